"""The demo: the whole stack on the sandbox, a month collected through the DAG, and what came of it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a type here

from agora.warehouse import roles
from embedded import configuration, report, sandbox_service
from embedded.airflow_api import AirflowApi, ApiUnavailableError, Json
from embedded.errors import StackError
from embedded.progress import Bar, step
from embedded.settings import HOST, Settings
from embedded.stack import DAG_ID, DEMO, RUN_PREFIX, Stack, start

ENDED = ("success", "failed")


def run(settings: Settings) -> None:
    """Start what does not run, collect what is missing, and print what there is.

    Raises:
        StackError: Something did not come up, or the run failed.
    """
    stack = start(settings, DEMO, configuration.apply)
    with step(f"DAG {DAG_ID}"):
        configuration.unpause(stack)
    run_id = _trigger(stack.api)
    with _warehouse(stack) as warehouse:
        state = _watch(stack, run_id, warehouse)
        if state != "success":
            raise StackError(_failure(stack.api, run_id))
        names = {app["app_id"]: app["name"] for app in sandbox_service.apps(settings)}
        parts = (report.coverage(warehouse, names), report.bill(warehouse, names), report.addresses(stack))
        print("", "\n\n".join(parts), sep="\n")


def _trigger(api: AirflowApi) -> str:
    """Start a run, unless one of an earlier demo is still under way; return its id."""
    ours = [run_id for run_id in api.active_runs(DAG_ID) if run_id.startswith(RUN_PREFIX)]
    if ours:
        return ours[0]
    run_id = f"{RUN_PREFIX}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    api.trigger(DAG_ID, run_id, "Started by make demo.")
    return run_id


def _watch(stack: Stack, run_id: str, warehouse: Connection) -> str:
    """Show how far the collection is until the run ends; return the run's last state."""
    api, bar = stack.api, Bar("Collecting", "app-days")
    try:
        while True:
            state = _state(api, run_id)
            found = report.counts(warehouse)
            bar.show(sum(found.values()) - found.get("pending", 0), sum(found.values()))
            if state in ENDED:
                return state
            stack.require_running()
            time.sleep(0.7)
    finally:
        bar.end()


def _state(api: AirflowApi, run_id: str) -> str:
    try:
        return api.run_state(DAG_ID, run_id)
    except ApiUnavailableError:
        # A busy machine; if it has ended, `require_running` tells.
        return "unknown"


def _warehouse(stack: Stack) -> AbstractContextManager[Connection]:
    password = stack.secrets.postgres["analyst"]
    return roles.connect(HOST, stack.settings.pg_port, "analyst", password, "warehouse")


def _failure(api: AirflowApi, run_id: str) -> str:
    """Tell which task failed and why, in a sentence."""
    failed = [task for task in api.task_instances(DAG_ID, run_id) if task["state"] == "failed"]
    if not failed:
        return f"The run {run_id} of {DAG_ID} failed, though none of its tasks did. See it in Airflow's UI."
    task = failed[0]
    part = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
    others = f" ({len(failed) - 1} more tasks failed.)" if len(failed) > 1 else ""
    reason = _reason(api.log(DAG_ID, run_id, task))
    return f"The task {task['task_id']}{part} of run {run_id} failed: {reason}{others}"


def _reason(lines: list[Json]) -> str:
    """Return the last error of a task's log."""
    for line in reversed(lines):
        for detail in line.get("error_detail") or ():
            return f"{detail.get('exc_type')}: {detail.get('exc_value')}"
        if str(line.get("level")).lower() in ("error", "critical"):
            return str(line.get("event"))
    return "its log does not say why."
