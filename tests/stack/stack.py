"""A complete stack for tests (PostgreSQL, the sandbox and Airflow), operated as a user operates it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from agora.warehouse import roles
from deploy.local import airflow_setup, demo_script, sandbox_service
from deploy.local.airflow_api import AirflowApi
from deploy.local.settings import HOST, Settings, free_port
from deploy.local.stack import DEMO, Stack, clean, start
from tests.support.paths import ROOT

RUN_SECONDS = 240
QUIET_SECONDS = 90
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        state: success or failed.
        note: The run note, as Airflow displays it.
        tasks: The task instances, as Airflow's API returns them.
    """

    dag_id: str
    run_id: str
    state: str
    note: str
    tasks: list[Json]

    def states(self, task: str) -> list[str]:
        """Return the states of all instances of a collecting task."""
        return [t["state"] for t in self.tasks if t["task_id"] == f"collect_bandwidth.{task}"]

    def by_task(self) -> dict[str, str]:
        """Return the state of each task in a run without mapped tasks."""
        return {t["task_id"]: t["state"] for t in self.tasks}


@contextmanager
def running_stack(state: Path) -> Iterator[LiveStack]:
    """Start a stack with a sandbox of 20 apps, and wait for the first run, which collects a month.

    Args:
        state: Directory for the stack's state, which must not exist yet.
    """
    settings = Settings(state, free_port(), free_port(), free_port())
    try:
        running = start(settings, DEMO, airflow_setup.set_up_airflow)
        live = LiveStack(running)
        live.remove_demo_script()
        for dag_id in ("agora_bandwidth_daily", "agora_bandwidth_backfill"):
            airflow_setup.unpause(running, dag_id)
        live.scheduled_run()
        yield live
    finally:
        clean(settings)


class LiveStack:
    """Airflow, the sandbox and the warehouse of one test session."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api: AirflowApi = stack.api

    def sql(self, statement: str, role: str = "owner") -> list[tuple[Any, ...]]:
        """Run a statement in the warehouse."""
        return self._query(statement, role, "warehouse")

    def metadata(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in Airflow's own database."""
        return self._query(statement, "airflow", "airflow")

    def _query(self, statement: str, role: str, database: str) -> list[tuple[Any, ...]]:
        password = self.stack.secrets.postgres[role]
        with (
            roles.connect(HOST, self.stack.settings.pg_port, role, password, database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call Airflow's API."""
        return self.api._call(method, path, body)

    def forms(self) -> Json:
        """Return the connection forms by connection type."""
        self.call("GET", "/api/v2/version")
        request = Request(  # noqa: S310 - our own server
            f"{self.stack.settings.ui_url}/ui/connections/hook_meta",
            headers={"Authorization": f"Bearer {self.api._token}"},
        )
        with urlopen(request, timeout=60) as response:  # noqa: S310 - our own server
            return {form["connection_type"]: form for form in json.loads(response.read())}

    def sandbox(self, method: str, call: str, body: Any = None) -> Any:
        """Call one of the sandbox's control endpoints."""
        request = Request(  # noqa: S310 - our own server
            f"{self.stack.settings.sandbox_url}/_sandbox/{call}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urlopen(request, timeout=30) as response:  # noqa: S310 - our own server
            return json.loads(response.read() or b"null")

    @property
    def app_ids(self) -> list[str]:
        """The sandbox's App IDs."""
        return [app["app_id"] for app in self.sandbox("GET", "apps")]

    @property
    def today(self) -> date:
        """Today's date in the time zone of the sandbox and the account."""
        return datetime.now(UTC).date()

    def scheduled_run(self) -> Run:
        """Return the run that the schedule starts once the nightly DAG is unpaused."""
        path = "/api/v2/dags/agora_bandwidth_daily/dagRuns?run_type=scheduled"
        deadline = time.monotonic() + 60
        while not (runs := self.call("GET", path)["dag_runs"]):
            assert time.monotonic() < deadline, "the schedule started no run within a minute"
            time.sleep(0.5)
        return self.wait_for_run("agora_bandwidth_daily", runs[0]["dag_run_id"])

    def remove_demo_script(self) -> None:
        """Remove the faults, apps and contracts that only the demo sets up, except for one partial day."""
        partial, *_ = demo_script.faults(self.today)
        self.sandbox("PUT", "faults", [partial])
        self.set_apps(sandbox_service.fetch_apps(self.stack.settings))
        self.call("DELETE", "/api/v2/variables/agora_contracts")

    def reset(self) -> None:
        """Wait for the runs of earlier tests, then delete all collected data and scripted faults."""
        self.end_runs()
        self.sql("truncate raw.bandwidth_response, core.vendor_account, core.push_stream_state cascade")
        self.sql("truncate core.closed_bill")
        self.sandbox("PUT", "faults", [])
        self.sandbox("PUT", "open-states", {})
        self.sandbox("PUT", "open-grants", {"granted": True})
        self.sandbox("POST", "channels/reset")
        self.sandbox("POST", "stats/reset")
        self.set_apps(self.app_ids)
        self.set_certificate(self.stack.secrets.sandbox_customer_certificate)

    def end_runs(self) -> None:
        """Wait for active runs to end, and mark as failed those that are still active after QUIET_SECONDS."""
        path = "/api/v2/dags/~/dagRuns?state=running&state=queued&limit=100"
        deadline = time.monotonic() + QUIET_SECONDS
        while runs := self.call("GET", path)["dag_runs"]:
            late_seconds = time.monotonic() - deadline
            assert late_seconds < RUN_SECONDS, f"runs did not end: {[run['dag_run_id'] for run in runs]}"
            if late_seconds > 0:
                for run in runs:
                    run_id = quote(run["dag_run_id"])
                    self.call("PATCH", f"/api/v2/dags/{run['dag_id']}/dagRuns/{run_id}", {"state": "failed"})
            time.sleep(0.5)
        # A backfill ends some time after its runs. Until then, Airflow accepts no other backfill of the DAG.
        while any(not each["completed_at"] for each in self._backfills()) and time.monotonic() < deadline:
            time.sleep(0.5)

    def _backfills(self) -> list[Json]:
        path = "/api/v2/backfills?dag_id=agora_bandwidth_daily&limit=100"
        return list(self.call("GET", path)["backfills"])

    def set_apps(self, apps: list[Any]) -> None:
        """Set the variable `agora_apps`."""
        self.call("PATCH", "/api/v2/variables/agora_apps", {"key": "agora_apps", "value": json.dumps(apps)})

    def set_certificate(self, certificate: str) -> None:
        """Set the password of the connection `agora_dashboard`."""
        self.call(
            "PATCH",
            "/api/v2/connections/agora_dashboard?update_mask=password",
            {
                "connection_id": "agora_dashboard",
                "conn_type": "agora_dashboard",
                "password": certificate,
            },
        )

    def trigger(self, dag_id: str, conf: Json | None = None) -> Run:
        """Trigger a DAG, as the Trigger button does, and wait until the run ends."""
        body = {"logical_date": None, "conf": conf or {}}
        run_id = self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]
        return self.wait_for_run(dag_id, run_id)

    def wait_for_run(self, dag_id: str, run_id: str) -> Run:
        """Wait until a run ends."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}"
        deadline = time.monotonic() + RUN_SECONDS
        while (run := self.call("GET", path))["state"] not in ("success", "failed"):
            if time.monotonic() > deadline:
                raise AssertionError(f"{dag_id} {run_id} is still {run['state']} after {RUN_SECONDS} s")
            time.sleep(0.5)
        tasks = self.api.task_instances(dag_id, run_id)
        return Run(dag_id, run_id, run["state"], _as_shown(run["note"] or ""), tasks)

    def return_value(self, run: Run, task_id: str) -> Any:
        """Return a task's return value."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{quote(run.run_id)}/taskInstances/{task_id}/xcomEntries"
        return self.call("GET", f"{path}/return_value")["value"]

    def log_of(self, run: Run, task: str, state: str | None = None) -> str:
        """Return the log of a task's first instance, optionally the first in a given state."""
        for instance in run.tasks:
            if instance["task_id"] == f"collect_bandwidth.{task}" and state in (None, instance["state"]):
                return json.dumps(self.api.log(run.dag_id, run.run_id, instance), ensure_ascii=False)
        raise AssertionError(f"{run.run_id} has no {task} in state {state}")

    def airflow_cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Airflow's CLI in the stack's environment, as bin/airflow does."""
        environment = {**os.environ, "AGORA_LOCAL_DIR": str(self.stack.settings.state)}
        return subprocess.run(
            [sys.executable, "-m", "deploy.local", "airflow", *arguments],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        )


def _as_shown(note: str) -> str:
    """Return a Markdown note without its escapes, as Airflow displays it."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", note).replace("\u200b", "")
