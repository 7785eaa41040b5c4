"""The example broadcast: no matter how a run ends, the channel that it started is stopped."""

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
    """Yield the stack with the example unpaused, after the run that its schedule starts has ended."""
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
    # Otherwise, runs would retry the scripted refusals for hours.
    live.sandbox("PUT", "faults", [])
    live.end_runs()
    live.call("PATCH", f"/api/v2/dags/{DAG}?update_mask=is_paused", {"is_paused": True})


def begin(live: LiveStack, minutes: float, **body: Any) -> str:
    conf = {"cname": "evening", "minutes": minutes}
    return str(live.call("POST", RUNS, {"logical_date": None, "conf": conf, **body})["dag_run_id"])


def counts(live: LiveStack) -> tuple[int, int, int]:
    """Return the numbers of effective starts, effective stops and currently pushed channels."""
    state = live.sandbox("GET", "channels")
    return state["starts"], state["stops"], len(state["channels"])


def wait_until_started(live: LiveStack) -> None:
    deadline = time.monotonic() + 60
    while counts(live)[0] == 0:
        assert time.monotonic() < deadline, "nothing was started within a minute"
        time.sleep(0.1)


def test_a_broadcast_lasts_for_its_minutes(broadcast: LiveStack) -> None:
    run = broadcast.wait_for_run(DAG, begin(broadcast, SHORT))
    assert (run.state, {*run.by_task().values()}) == ("success", {"success"})
    assert counts(broadcast) == (1, 1, 0)


def test_marking_a_run_as_failed_stops_its_broadcast(broadcast: LiveStack) -> None:
    run_id = begin(broadcast, LONG)
    wait_until_started(broadcast)
    broadcast.call("PATCH", f"{RUNS}/{run_id}", {"state": "failed"})
    broadcast.end_runs()
    wait_until_stopped(broadcast)
    assert counts(broadcast) == (1, 1, 0)


def test_a_broadcast_is_stopped_even_if_its_state_cannot_be_decrypted(broadcast: LiveStack) -> None:
    run_id = begin(broadcast, LONG)
    wait_for_state(broadcast, run_id, "on_air", "deferred")
    undecryptable = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    broadcast.metadata(f"update variable set val = '{undecryptable}' where key like 'agora_on_air_%'")
    broadcast.call("PATCH", f"{RUNS}/{run_id}", {"state": "failed"})
    broadcast.end_runs()
    wait_until_stopped(broadcast)
    assert counts(broadcast) == (1, 1, 0)


def wait_until_stopped(live: LiveStack) -> None:
    deadline = time.monotonic() + 60
    while counts(live)[2]:
        assert time.monotonic() < deadline, "the channel is still on the air after a minute"
        time.sleep(0.1)


def test_a_start_whose_response_was_lost_is_stopped(broadcast: LiveStack) -> None:
    broadcast.sandbox("PUT", "faults", [{"call": "channel", "kind": "disconnect", "times": 1}])
    run = broadcast.wait_for_run(DAG, begin(broadcast, LONG))
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
    run_id = begin(broadcast, LONG)
    wait_until_started(broadcast)
    running_task(broadcast).kill()
    run = broadcast.wait_for_run(DAG, run_id)
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "success")
    assert counts(broadcast) == (1, 1, 0)


def running_task(live: LiveStack) -> psutil.Process:
    """Return the process of the only running task."""
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
        # The previous task's process may not have ended yet.
        assert time.monotonic() < deadline, tasks
        time.sleep(0.1)


def test_a_repeated_start_sends_no_request_and_is_stopped(broadcast: LiveStack) -> None:
    """Airflow repeats a task that its scheduler lost, and a user may clear a task during a broadcast."""
    run_id = begin(broadcast, LONG)
    wait_until_started(broadcast)
    wait_for_state(broadcast, run_id, "on_air", "deferred")
    again = {"dag_run_id": run_id, "task_ids": ["start"], "dry_run": False, "include_downstream": True}
    broadcast.call(
        "POST",
        f"/api/v2/dags/{DAG}/clearTaskInstances",
        {**again, "only_failed": False, "reset_dag_runs": True},
    )
    wait_for_state(broadcast, run_id, "start", "failed")
    run = broadcast.wait_for_run(DAG, run_id)
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "success")
    assert "an earlier try of this run may have started the push" in run.note
    assert counts(broadcast) == (1, 1, 0)


def wait_for_state(live: LiveStack, run_id: str, task_id: str, state: str) -> None:
    deadline = time.monotonic() + 60
    while live.call("GET", f"{RUNS}/{run_id}/taskInstances/{task_id}")["state"] != state:
        assert time.monotonic() < deadline, f"{task_id} is not {state} within a minute"
        time.sleep(0.3)


def test_a_channel_of_another_run_is_not_stopped(broadcast: LiveStack) -> None:
    broadcast.trigger("agora_push_stream_channel", {"action": "start", "cname": "evening"})
    run = broadcast.wait_for_run(DAG, begin(broadcast, LONG))
    assert (run.state, run.by_task()["start"], run.by_task()["stop"]) == ("failed", "failed", "skipped")
    assert "HTTP 409" in run.note
    assert counts(broadcast) == (1, 0, 1)


def test_a_broadcast_that_was_already_stopped_succeeds(broadcast: LiveStack) -> None:
    run_id = begin(broadcast, SHORT)
    wait_until_started(broadcast)
    broadcast.sandbox("POST", "channels/reset")
    run: Run = broadcast.wait_for_run(DAG, run_id)
    assert (run.state, run.by_task()["stop"]) == ("success", "skipped")


def test_a_broadcast_whose_time_has_passed_is_not_started(broadcast: LiveStack) -> None:
    two_hours_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    run = broadcast.wait_for_run(DAG, begin(broadcast, 60, run_after=two_hours_ago))
    assert run.state == "success"
    assert {state for task, state in run.by_task().items() if task != "in_time"} == {"skipped"}
    assert broadcast.sandbox("GET", "channels")["requests"] == 0


def test_a_refused_stop_is_retried(broadcast: LiveStack) -> None:
    broadcast.sandbox(
        "PUT", "faults", [{"call": "channel", "method": "DELETE", "kind": "status", "status": 401}]
    )
    run_id = begin(broadcast, SHORT)
    wait_for_state(broadcast, run_id, "stop", "up_for_retry")
    assert counts(broadcast) == (1, 0, 1)

    broadcast.sandbox("PUT", "faults", [])
    again = {"dag_run_id": run_id, "task_ids": ["stop"], "dry_run": False, "only_failed": False}
    broadcast.call("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", again)
    assert broadcast.wait_for_run(DAG, run_id).state == "success"
    assert counts(broadcast) == (1, 1, 0)


def test_broadcast_state_is_deleted_after_each_broadcast(session_stack: LiveStack) -> None:
    variables = session_stack.call("GET", "/api/v2/variables?limit=100")["variables"]
    assert [variable["key"] for variable in variables if variable["key"].startswith("agora_on_air_")] == []
