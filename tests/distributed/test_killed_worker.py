"""A worker is killed in mid-batch: stored days are stored, and every day is collected in the end."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live


def test_stored_days_are_kept_and_not_requested_again(live: Live) -> None:
    run_id = live.begin_slowly(seconds=1)
    (victim,) = live.hosts(run_id, "running")
    live.installation.kill(victim)
    stored = live.rows()
    before = live.request_counts()
    run = live.end(run_id)

    assert 0 < len(stored) < len(live.truth())
    assert max(task["try_number"] for task in run.tasks) == 2
    assert run.state == "success", run.note
    assert live.collected() == live.truth()
    assert {app_day: row for app_day, row in live.rows().items() if app_day in stored} == stored
    assert stored.keys().isdisjoint(live.request_counts() - before)
    assert "nothing is missing" in live.trigger(DAILY).note
