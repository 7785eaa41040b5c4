"""Runs a collecting run's tasks in forked processes, as the LocalExecutor does, and prints their CPU seconds.

The parent loads what the scheduler has loaded when it starts its workers. Airflow's requests to its API are
not included: connections and variables come from the environment, and XComs from the parent.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow.jobs.scheduler_job_runner  # loaded, like the next two, for the forked processes
import airflow.sdk.execution_time.supervisor  # noqa: F401 - see above
import psycopg2  # noqa: F401 - see above
from airflow.sdk.bases.operator import BaseOperator, ExecutorSafeguard

GROUP, RUN_ID = "collect_bandwidth.", "a run"
TASKS = ("plan", "collect", "check", "publish")
EMPTY_DAG = """
from airflow.sdk import BaseOperator, dag


class NothingOperator(BaseOperator):
    def execute(self, context):
        pass


@dag(schedule=None)
def empty():
    NothingOperator(task_id="nothing")


empty()
"""


class TaskInstance:
    """A task instance whose XComs are in a dict: task → key → value. The collecting task has one instance."""

    def __init__(self, dag_id: str, task_id: str, xcoms: dict[str, dict[str, Any]]) -> None:
        self.dag_id, self.task_id, self.run_id = dag_id, task_id, RUN_ID
        self._xcoms = xcoms

    def xcom_push(self, key: str, value: Any) -> None:
        self._xcoms.setdefault(self.task_id, {})[key] = value

    def xcom_pull(self, *, task_ids: Any, key: str = "return_value", **_: Any) -> Any:
        if isinstance(task_ids, list):
            return [self._xcoms.get(task_id, {}).get(key) for task_id in task_ids]
        return self._xcoms.get(task_ids, {}).get(key)

    def get_task_states(self, **_: Any) -> dict[str, dict[str, str]]:
        collected = f"{GROUP}collect"
        return {RUN_ID: {**{GROUP + name: "success" for name in TASKS}, f"{collected}_0": "success"}}

    def get_dag(self, _dag_id: str) -> SimpleNamespace:
        return SimpleNamespace(next_dagrun=None, is_paused=False)


def main(dag_file: Path, scratch: Path) -> None:
    """Print the CPU seconds of an empty task and of the run's tasks, as a JSON object on the last line.

    Args:
        dag_file: DAG file of the run.
        scratch: Directory for the DAG file of the empty task.
    """
    ExecutorSafeguard.test_mode = True
    empty = scratch / "empty.py"
    empty.write_text(EMPTY_DAG)
    seconds: dict[str, float] = {}
    seconds["empty task"], xcoms = _forked(empty, "nothing", {})
    for name in TASKS:
        seconds[name], xcoms = _forked(dag_file, f"{GROUP}{name}", xcoms)
    print(json.dumps(seconds))


def _forked(file: Path, task_id: str, xcoms: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Run a task in a forked process, and return its CPU seconds and all XComs."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        with os.fdopen(theirs, "w") as pipe:
            before = time.process_time()
            _run(file, task_id, xcoms)
            json.dump([time.process_time() - before, xcoms], pipe)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        seconds, xcoms = json.load(pipe)
    os.waitpid(pid, 0)
    return seconds, xcoms


def _run(file: Path, task_id: str, xcoms: dict[str, Any]) -> None:
    """Parse the DAG file and run the task, as Airflow's task runner does."""
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk import plugins_manager

    plugins_manager._get_plugins()
    bag = BundleDagBag(
        str(file), safe_mode=False, load_op_links=False, bundle_path=file.parent, bundle_name="dags"
    )
    (dag,) = bag.dags.values()
    task: Any = dag.task_dict[task_id]
    ti = TaskInstance(dag.dag_id, task_id, xcoms)
    if not isinstance(task, BaseOperator):
        (batch,) = xcoms[f"{GROUP}plan"]["return_value"]
        task = task.unmap({"batch": batch})
    if task_id == f"{GROUP}plan":
        # Airflow has rendered the templates.
        task.from_date = task.to_date = ""
    now = datetime.now(UTC)
    context = {
        "dag": dag,
        "dag_run": SimpleNamespace(conf={}, start_date=now),
        "task": task,
        "ti": ti,
        "run_id": RUN_ID,
        "outlet_events": defaultdict(lambda: SimpleNamespace(extra={})),
    }
    if (returned := task.execute(context)) is not None:
        ti.xcom_push("return_value", returned)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
