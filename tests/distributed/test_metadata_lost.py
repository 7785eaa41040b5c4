"""Airflow's own database is lost: what was collected, the warehouse knows (docs/operations/disaster.md)."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import PARTS, workers


def test_nothing_is_asked_for_twice_and_nothing_is_missing(live: Live) -> None:
    installation = live.installation
    half = live.app_ids[:10]
    live.set_apps(half)
    live.trigger(DAILY)
    kept = live.rows()
    installation.stop(*PARTS, *workers(2))

    drop = "drop database airflow with (force)"
    live._query(drop, "postgres", "postgres")
    again = installation.run("init")
    assert again.returncode == 0, again.stderr
    installation.start(*PARTS, *workers(2))
    live.sandbox("POST", "stats/reset")
    pointed = installation.run("sandbox-account")
    assert pointed.returncode == 0, pointed.stderr
    run = live.scheduled_run()

    assert run.state == "success", run.note
    assert live.asked_for().keys() == live.truth().keys() - kept.keys()
    assert {app_day: row for app_day, row in live.rows().items() if app_day in kept} == kept
    assert live.collected() == live.truth()
