"""A worker that is killed in mid-batch: what arrived stays, and nothing is missing in the end."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live


def test_nothing_is_lost_and_nothing_there_is_asked_for_again(live: Live) -> None:
    run_id = live.begin_slowly(seconds=1)
    (victim,) = live.hosts(run_id, "running")
    live.installation.kill(victim)
    kept = live.rows()
    before = live.asked_for()
    run = live.end(run_id)

    assert 0 < len(kept) < len(live.truth())
    assert max(task["try_number"] for task in run.tasks) == 2
    assert run.state == "success", run.note
    assert live.collected() == live.truth()
    assert {app_day: row for app_day, row in live.rows().items() if app_day in kept} == kept
    assert kept.keys().isdisjoint(live.asked_for() - before)
    assert "nothing is missing" in live.trigger(DAILY).note
