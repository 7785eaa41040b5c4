"""`make demo`: start the stack with the sandbox, collect a month through the DAG, and print the result.

`demo_script` defines the exceptions that the result contains, such as partial days.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a type here

from agora.warehouse import roles
from deploy.local import airflow_setup, demo_report, demo_script, sandbox_service
from deploy.local.airflow_api import AirflowApi, ApiUnavailableError, Json
from deploy.local.errors import StackError
from deploy.local.progress import Bar, step
from deploy.local.settings import HOST, Settings
from deploy.local.stack import DAG_ID, DEMO, RUN_PREFIX, Stack, start

ENDED = ("success", "failed")


def run(settings: Settings) -> None:
    """Start the services, collect the missing app-days, and print coverage, bill and addresses.

    Raises:
        StackError: A service did not start, or the run failed.
    """
    stack = start(settings, DEMO, airflow_setup.set_up_airflow)
    apps = sandbox_service.fetch_apps(settings)
    with _warehouse(stack, "owner") as owner:
        demo_script.record_removed_apps(owner, apps, datetime.now(UTC).date())
    with step(f"DAG {DAG_ID}"):
        airflow_setup.unpause(stack)
    with _warehouse(stack, "analyst") as warehouse:
        _collect(stack, warehouse, apps[0]["app_id"])
        if not demo_report.has_restatement(warehouse):
            _collect(stack, warehouse, apps[0]["app_id"])
        print(f"\n{demo_report.format_coverage(warehouse)}")
        print(f"\n{demo_report.format_bill(warehouse)}")
        print(f"\n{demo_report.format_addresses(stack)}")
        print(f"\n{demo_report.format_first_steps(warehouse, settings.ui_url)}")


def _collect(stack: Stack, warehouse: Connection, app_id: str) -> None:
    run_id = _trigger(stack.api)
    if _watch(stack, run_id, warehouse, app_id) != "success":
        raise StackError(_failure(stack.api, run_id))


def _trigger(api: AirflowApi) -> str:
    """Start a run, unless a run of an earlier demo is still active, and return the run's ID."""
    ours = [run_id for run_id in api.active_runs(DAG_ID) if run_id.startswith(RUN_PREFIX)]
    if ours:
        return ours[0]
    run_id = f"{RUN_PREFIX}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    api.trigger(DAG_ID, run_id, "Started by `make demo`.")
    return run_id


def _watch(stack: Stack, run_id: str, warehouse: Connection, app_id: str) -> str:
    """Show the collection's progress until the run ends, and return the run's final state.

    Before the first plan, the warehouse has only the removed apps, whose days are not a measure of progress.

    Args:
        stack: The stack.
        run_id: The run.
        warehouse: Connection to the warehouse.
        app_id: A configured app.
    """
    api, bar = stack.api, Bar("Collecting", "app-days")
    try:
        while True:
            state = _state(api, run_id)
            found = demo_report.count_states(warehouse) if demo_report.has_app(warehouse, app_id) else {}
            bar.show(sum(found.values()) - found.get("pending", 0), sum(found.values()))
            if state in ENDED:
                return state
            stack.require_running()
            time.sleep(0.3)
    finally:
        bar.end()


def _state(api: AirflowApi, run_id: str) -> str:
    try:
        return api.run_state(DAG_ID, run_id)
    except ApiUnavailableError:
        # The machine may be busy. If the api-server has ended, `require_running` reports it.
        return "unknown"


def _warehouse(stack: Stack, role: str) -> AbstractContextManager[Connection]:
    return roles.connect(HOST, stack.settings.pg_port, role, stack.secrets.postgres[role], "warehouse")


def _failure(api: AirflowApi, run_id: str) -> str:
    """Return an error message that names the failed task and the reason."""
    failed = [task for task in api.task_instances(DAG_ID, run_id) if task["state"] == "failed"]
    if not failed:
        return f"The run {run_id} of {DAG_ID} failed without a failed task. Open the run in Airflow's UI."
    task = failed[0]
    part = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
    others = f" More failed tasks: {len(failed) - 1}." if len(failed) > 1 else ""
    reason = _reason(api.log(DAG_ID, run_id, task))
    return f"The task {task['task_id']}{part} of the run {run_id} failed: {reason}{others}"


def _reason(lines: list[Json]) -> str:
    """Return the last error in a task's log."""
    for line in reversed(lines):
        for detail in line.get("error_detail") or ():
            return f"{detail.get('exc_type')}: {detail.get('exc_value')}"
        if str(line.get("level")).lower() in ("error", "critical"):
            return str(line.get("event"))
    return "its log has no error."
