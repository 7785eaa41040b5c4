"""A run that is cleared after its XComs were removed reports the removal and keeps its recorded results."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.stack.stack import Json, LiveStack, Run

DAG_ID = "agora_bandwidth_daily"
GROUP = "collect_bandwidth"
ROW = (
    "select app_days, app_days_received, points_received, requests, collected, problems"
    " from mart.collection_run"
)


@pytest.fixture(scope="module")
def collecting_run(session_stack: LiveStack) -> Iterator[Run]:
    """Yield a finished run that collected every day."""
    session_stack.reset()
    done = session_stack.trigger(DAG_ID)
    assert done.state == "success"
    session_stack.metadata(f"create table saved_xcom as select * from xcom where run_id = '{done.run_id}'")
    yield done
    session_stack.metadata("drop table saved_xcom")


@pytest.fixture
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with the data of the collecting run."""
    return session_stack


@pytest.fixture
def run(live: LiveStack, collecting_run: Run) -> Run:
    """Return the collecting run with all its XComs."""
    live.metadata(f"delete from xcom where run_id = '{collecting_run.run_id}'")
    live.metadata("insert into xcom select * from saved_xcom")
    return collecting_run


def remove_xcoms(live: LiveStack, run: Run, where: str = "true") -> None:
    """Remove a run's XComs, as `airflow db clean --tables xcom` does."""
    assert live.metadata(f"delete from xcom where run_id = '{run.run_id}' and {where} returning key")


def clear(live: LiveStack, run: Run, task: str) -> tuple[str, Json]:
    """Clear a task and its downstream tasks; return the run's note and task states once the run has ended."""
    live.call(
        "POST",
        f"/api/v2/dags/{DAG_ID}/clearTaskInstances",
        {
            "dry_run": False,
            "dag_run_id": run.run_id,
            "task_ids": [f"{GROUP}.{task}"],
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
        },
    )
    time.sleep(1)
    ended = live.wait_for_run(DAG_ID, run.run_id)
    return ended.note, {t["task_id"].removeprefix(f"{GROUP}."): t["state"] for t in ended.tasks}


def row(live: LiveStack, run: Run) -> list[tuple[object, ...]]:
    return live.sql(f"{ROW} where run_id = '{run.run_id}'")


@pytest.mark.parametrize(
    ("removed", "task"),
    [
        ("true", "plan"),
        ("key = 'return_value'", "plan"),
        ("key like 'batch_%'", "plan"),
        ("task_id like '%.plan' and key = 'summary'", "plan"),
        ("task_id like '%.collect'", "collect"),
    ],
)
def test_publishing_again_without_xcoms_keeps_the_recorded_row(
    live: LiveStack, run: Run, removed: str, task: str
) -> None:
    before = row(live, run)
    assert before[0][0] == before[0][4] != 0
    remove_xcoms(live, run, removed)
    note, states = clear(live, run, "publish")
    assert states["publish"] == "failed"
    assert f"The XComs of the task {GROUP}.{task} of {DAG_ID} in run {run.run_id} were removed" in note
    assert "Trigger a new run" in note
    assert row(live, run) == before


@pytest.mark.parametrize("removed", ["true", "key like 'batch_%'"])
def test_collecting_again_without_the_plan_fails(live: LiveStack, run: Run, removed: str) -> None:
    before = row(live, run)
    remove_xcoms(live, run, removed)
    note, states = clear(live, run, "collect")
    assert states["collect"] == states["publish"] == "failed"
    assert f"The XComs of the task {GROUP}.plan of {DAG_ID} in run {run.run_id} were removed" in note
    assert row(live, run) == before


def test_an_empty_plan_is_not_mistaken_for_a_removed_plan(live: LiveStack, run: Run) -> None:
    empty = live.trigger(DAG_ID)
    assert empty.state == "success"
    note, states = clear(live, empty, "publish")
    assert states["publish"] == "success"
    assert "nothing is missing" in note
    assert row(live, empty)[0][0] == 0


def test_a_new_run_after_the_removal_collects_missing_days(live: LiveStack, run: Run) -> None:
    remove_xcoms(live, run)
    live.sql("delete from core.app_day where usage_date = (select max(usage_date) from core.app_day)")
    assert live.trigger(DAG_ID).state == "success"
    assert live.sql("select count(*) from mart.coverage where state <> 'collected'") == [(0,)]
