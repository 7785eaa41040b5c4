"""The example broadcast: whatever becomes of a run, what it started does not stay on the air."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from cryptography.fernet import Fernet

from deploy.local.processes import Record
from tests.stack.stack import LiveStack, Run

DAG = "agora_push_stream_broadcast"
RUNS = f"/api/v2/dags/{DAG}/dagRuns"
LONG, SHORT = 30, 0.1


@pytest.fixture
def broadcast(live: LiveStack) -> Iterator[LiveStack]:
    """Yield the stack with the example unpaused, and the run ended that its schedule starts at once."""
    live.call("PATCH", f"/api/v2/dags/{DAG}?update_mask=is_paused", {"is_paused": False})
    deadline = time.monotonic() + 60
    while not (runs := live.call("GET", f"{RUNS}?run_type=scheduled")["dag_runs"]):
        assert time.monotonic() < deadline, "the schedule started no run within a minute"
        time.sleep(0.5)
    for run in runs:
        if run["state"] in ("queued", "running"):
            live.call("PATCH", f"{RUNS}/{run['dag_run_id']}", {"state": "failed"})
    live.end_runs()
    live.sandbox("POST", "channels/reset")
    yield live
    # What a test told the vendor to refuse would be tried again for hours.
    live.sandbox("PUT", "faults", [])
    live.end_runs()
    live.call("PATCH", f"/api/v2/dags/{DAG}?update_mask=is_paused", {"is_paused": True})


def begun(live: LiveStack, minutes: float, **body: Any) -> str:
    conf = {"cname": "evening", "minutes": minutes}
    return str(live.call("POST", RUNS, {"logical_date": None, "conf": conf, **body})["dag_run_id"])


def counts(live: LiveStack) -> tuple[int, int, int]:
    """Return how many starts and stops took effect, and how many channels are pushed now."""
    told = live.sandbox("GET", "channels")
    return told["starts"], told["stops"], len(told["channels"])


def until_started(live: LiveStack) -> None:
    deadline = time.monotonic() + 60
    while counts(live)[0] == 0:
        assert time.monotonic() < deadline, "nothing was started within a minute"
        time.sleep(0.1)


def test_it_is_on_the_air_for_its_minutes(broadcast: LiveStack) -> None:
    run = broadcast.ended(DAG, begun(broadcast, SHORT))
    assert (run.state, {*run.by_task().values()}) == ("success", {"success"})
    assert counts(broadcast) == (1, 1, 0)


def test_a_run_that_is_stopped_by_hand_is_stopped_at_the_vendor(broadcast: LiveStack) -> None:
    run_id = begun(broadcast, LONG)
    until_started(broadcast)
    broadcast.call("PATCH", f"{RUNS}/{run_id}", {"state": "failed"})
    broadcast.end_runs()
    until_stopped(broadcast)
    assert counts(broadcast) == (1, 1, 0)


def test_a_run_is_stopped_although_its_memory_is_of_another_fernet_key(broadcast: LiveStack) -> None:
    run_id = begun(broadcast, LONG)
    until_state(broadcast, run_id, "on_air", "deferred")
    of_another_key = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    broadcast.metadata(f"update variable set val = '{of_another_key}' where key like 'agora_on_air_%'")
    broadcast.call("PATCH", f"{RUNS}/{run_id}", {"state": "failed"})
    broadcast.end_runs()
    until_stopped(broadcast)
    assert counts(broadcast) == (1, 1, 0)


def until_stopped(live: LiveStack) -> None:
    deadline = time.monotonic() + 60
    while counts(live)[2]:
        assert time.monotonic() < deadline, "it is still on the air after a minute"
        time.sleep(0.1)


def test_a_start_whose_answer_was_lost_is_stopped(broadcast: LiveStack) -> None:
    broadcast.sandbox("PUT", "faults", [{"call": "channel", "kind": "disconnect", "times": 1}])
    run = broadcast.ended(DAG, begun(broadcast, LONG))
    assert run.state == "failed"
    assert run.by_task() == {
        "in_time": "success",
        "start": "failed",
        "on_air": "upstream_failed",
        "stop": "success",
        "everything_succeeded": "upstream_failed",
    }
    assert counts(broadcast) == (1, 1, 0)


def test_a_start_whose_worker_is_killed_is_stopped(broadcast: LiveStack) -> None:
    broadcast.sandbox("PUT", "faults", [{"call": "channel", "kind": "delay", "seconds": 20, "times": 1}])
    run_id = begun(broadcast, LONG)
    until_started(broadcast)
    running_task(broadcast).kill()
    run = broadcast.ended(DAG, run_id)
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "success")
    assert counts(broadcast) == (1, 1, 0)


def running_task(live: LiveStack) -> psutil.Process:
    """Return the process of the one task that runs."""
    scheduler = Record("scheduler", live.stack.settings.state).leader()
    assert scheduler is not None
    deadline = time.monotonic() + 20
    while True:
        tasks = [
            task
            for worker in psutil.Process(scheduler.pid).children()
            if "LocalExecutor: " in " ".join(worker.cmdline())
            for task in worker.children()
        ]
        if len(tasks) == 1:
            return tasks[0]
        # The one before it may not be quite gone.
        assert time.monotonic() < deadline, tasks
        time.sleep(0.1)


def test_a_start_that_is_begun_anew_asks_nobody_and_is_stopped(broadcast: LiveStack) -> None:
    """As when Airflow finds a task that its scheduler lost, or somebody clears it while it is on the air."""
    run_id = begun(broadcast, LONG)
    until_started(broadcast)
    until_state(broadcast, run_id, "on_air", "deferred")
    again = {"dag_run_id": run_id, "task_ids": ["start"], "dry_run": False, "include_downstream": True}
    broadcast.call(
        "POST",
        f"/api/v2/dags/{DAG}/clearTaskInstances",
        {**again, "only_failed": False, "reset_dag_runs": True},
    )
    until_state(broadcast, run_id, "start", "failed")
    run = broadcast.ended(DAG, run_id)
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "success")
    assert "an earlier try of this run may have started the push" in run.note
    assert counts(broadcast) == (1, 1, 0)


def until_state(live: LiveStack, run_id: str, task_id: str, state: str) -> None:
    deadline = time.monotonic() + 60
    while live.call("GET", f"{RUNS}/{run_id}/taskInstances/{task_id}")["state"] != state:
        assert time.monotonic() < deadline, f"{task_id} is not {state} within a minute"
        time.sleep(0.3)


def test_somebody_elses_channel_is_left_alone(broadcast: LiveStack) -> None:
    broadcast.trigger("agora_push_stream_channel", {"action": "start", "cname": "evening"})
    run = broadcast.ended(DAG, begun(broadcast, LONG))
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "skipped")
    assert "HTTP 409" in run.note
    assert counts(broadcast) == (1, 0, 1)


def test_a_broadcast_that_somebody_stopped_already_is_well(broadcast: LiveStack) -> None:
    run_id = begun(broadcast, SHORT)
    until_started(broadcast)
    broadcast.sandbox("POST", "channels/reset")
    run: Run = broadcast.ended(DAG, run_id)
    assert (run.state, run.by_task()["stop"]) == ("success", "skipped")


def test_a_broadcast_whose_time_is_over_is_not_started(broadcast: LiveStack) -> None:
    two_hours_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    run = broadcast.ended(DAG, begun(broadcast, 60, run_after=two_hours_ago))
    assert run.state == "success"
    assert {state for task, state in run.by_task().items() if task != "in_time"} == {"skipped"}
    assert broadcast.sandbox("GET", "channels")["requests"] == 0


def test_a_stop_that_the_vendor_refuses_is_tried_again(broadcast: LiveStack) -> None:
    broadcast.sandbox(
        "PUT", "faults", [{"call": "channel", "method": "DELETE", "kind": "status", "status": 401}]
    )
    run_id = begun(broadcast, SHORT)
    until_state(broadcast, run_id, "stop", "up_for_retry")
    assert counts(broadcast) == (1, 0, 1)

    broadcast.sandbox("PUT", "faults", [])
    again = {"dag_run_id": run_id, "task_ids": ["stop"], "dry_run": False, "only_failed": False}
    broadcast.call("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", again)
    assert broadcast.ended(DAG, run_id).state == "success"
    assert counts(broadcast) == (1, 1, 0)


def test_what_may_be_on_the_air_is_remembered_no_longer_than_it_is(session_stack: LiveStack) -> None:
    variables = session_stack.call("GET", "/api/v2/variables?limit=100")["variables"]
    assert [variable["key"] for variable in variables if variable["key"].startswith("agora_on_air_")] == []
