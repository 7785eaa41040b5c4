"""Nightly, backfill and manual runs at the same time, in a real Airflow."""

from __future__ import annotations

import time
from datetime import timedelta

from agora.bandwidth.window import oldest_day
from tests.stack.stack import Json, LiveStack

DAILY = "agora_bandwidth_daily"
BACKFILL = "agora_bandwidth_backfill"


def test_overlapping_runs_succeed_and_collect_every_day_once(live: LiveStack) -> None:
    days = (live.today - (oldest := oldest_day("1 month", live.today))).days
    known = {run["dag_run_id"] for run in backfill_runs(live)}
    live.call(
        "POST",
        "/api/v2/backfills",
        {
            "dag_id": DAILY,
            "from_date": f"{oldest + timedelta(days=5)}T00:00:00Z",
            "to_date": f"{oldest + timedelta(days=7)}T00:00:00Z",
            "max_active_runs": 3,
        },
    )
    nightly = live.call("POST", f"/api/v2/dags/{DAILY}/dagRuns", {"logical_date": None, "conf": {}})
    chosen = {"from_date": str(oldest), "to_date": str(live.today - timedelta(days=1)), "reload": True}
    manual = live.trigger(BACKFILL, chosen)

    runs = [live.wait_for_run(DAILY, str(nightly["dag_run_id"])), manual]
    runs += [live.wait_for_run(DAILY, run_id) for run_id in new_backfill_runs(live, known, 3)]

    assert [run.state for run in runs] == ["success"] * 5, [run.note for run in runs]
    assert live.sql("select state, count(*), sum(points) from core.app_day group by 1") == [
        ("collected", 20 * days, 288 * 20 * days)
    ]
    assert live.sql("select count(*) from core.restatement") == [(0,)]
    ((stored,),) = live.sql("select count(*) from raw.bandwidth_response where http_status = 200")
    served = live.sandbox("GET", "stats")["by_status"]["200"]
    assert stored == served, "a response was not stored"
    assert "nothing is missing" in live.trigger(DAILY).note
    print(f"{served:,} responses for {20 * days:,} app-days, in five concurrent runs")  # noqa: T201


def backfill_runs(live: LiveStack) -> list[Json]:
    return list(live.call("GET", f"/api/v2/dags/{DAILY}/dagRuns?run_type=backfill")["dag_runs"])


def new_backfill_runs(live: LiveStack, known: set[str], expected: int) -> list[str]:
    """Wait until Airflow has created the backfill's runs, and return their IDs."""
    deadline = time.monotonic() + 60
    while len(new := {run["dag_run_id"] for run in backfill_runs(live)} - known) < expected:
        assert time.monotonic() < deadline, f"Airflow created {len(new)} of {expected} runs in a minute"
        time.sleep(0.5)
    return sorted(new)
