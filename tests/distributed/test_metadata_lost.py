"""Airflow's own database is lost, but the warehouse has all collected days (docs/operations/disaster.md)."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import PARTS, workers


def test_no_day_is_requested_twice_and_none_is_missing(live: Live) -> None:
    installation = live.installation
    half = live.app_ids[:10]
    live.set_apps(half)
    live.trigger(DAILY)
    stored = live.rows()
    installation.stop(*PARTS, *workers(2))

    drop = "drop database airflow with (force)"
    live._query(drop, "postgres", "postgres")
    initialised = installation.run("init")
    assert initialised.returncode == 0, initialised.stderr
    installation.start(*PARTS, *workers(2))
    live.sandbox("POST", "stats/reset")
    configured = installation.run("sandbox-account")
    assert configured.returncode == 0, configured.stderr
    run = live.scheduled_run()

    assert run.state == "success", run.note
    assert live.request_counts().keys() == live.truth().keys() - stored.keys()
    assert {app_day: row for app_day, row in live.rows().items() if app_day in stored} == stored
    assert live.collected() == live.truth()
