"""A local stack that changes its release, operated with the commands of `make up` and `make stop`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from agora.warehouse import roles
from deploy.local import stack
from deploy.local.airflow_api import AirflowApi
from deploy.local.errors import StackError
from deploy.local.postgres_server import stack_cluster
from deploy.local.secret_files import load_secrets
from deploy.local.settings import HOST, Settings, free_port
from tests.bench.soak.clock import Clock
from tests.support.environment import proxies
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox

DAILY = "agora_bandwidth_daily"
DAGS = (DAILY, "agora_bandwidth_watch", "agora_bandwidth_retention")
SERVICES = ("scheduler", "api-server", "dag-processor", "triggerer")
REQUESTS_PER_SECOND = 100
WAIT_SECONDS = 900.0  # generous: a night takes less than a minute, and the first night two
RETRY_STEP = timedelta(minutes=1)
# Airflow notices only after this time that a killed worker has left a task behind. Default: 300 seconds.
HEARTBEAT_TIMEOUT = {"AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30"}


@dataclass(frozen=True)
class Release:
    """A checkout with its own .venv, and the module behind its `make up` and `make stop`."""

    name: str
    root: Path
    module: str

    def run(self, command: str, environment: dict[str, str]) -> None:
        """Run `make up` or `make stop`, without the installation of packages.

        Raises:
            StackError: The command failed.
        """
        python = self.root / ".venv" / "bin" / "python"
        completed = subprocess.run(
            [python, "-m", self.module, command],
            cwd=self.root,
            env={**environment, "PYTHONPATH": f"{self.root / 'plugins'}:{self.root}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise StackError(f"{self.name}: {command} failed: {completed.stdout}{completed.stderr}")


THIS = Release("1.1.0", ROOT, "deploy.local")
RELEASED = Release("1.0.0", ROOT / ".venv-1.0.0", "embedded")
RELEASED_COMMIT = "d5d3d69"


def install_released() -> None:
    """Check out 1.0.0 and install its packages, unless an earlier soak did."""
    if (RELEASED.root / ".venv" / ".requirements-local-installed").exists():
        return
    print(f"Installing release {RELEASED.name} into {RELEASED.root}", flush=True)
    shutil.rmtree(RELEASED.root, ignore_errors=True)
    RELEASED.root.mkdir()
    archive = subprocess.run(["git", "archive", RELEASED_COMMIT], cwd=ROOT, check=False, capture_output=True)
    if archive.returncode:
        raise SystemExit(f"The soak needs the commit of {RELEASED.name}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-x"], cwd=RELEASED.root, input=archive.stdout, check=True)
    install = ["make", f"PYTHON={sys.executable}", ".venv/.requirements-local-installed"]
    subprocess.run(install, cwd=RELEASED.root, env={**os.environ, **proxies}, check=True)


class Installation:
    """A stack's state directory, and the release that runs in it.

    Args:
        settings: Paths and ports.
        clock: The clock of all of the stack's processes.
        environment: Environment of the commands.
        release: The release to start with.
    """

    def __init__(
        self, settings: Settings, clock: Clock, environment: dict[str, str], release: Release
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.release = release
        self._environment = environment

    # Commands

    def up(self) -> None:
        """Start the services that are not running, and unpause the DAGs."""
        self.release.run("up", self._environment)
        deadline = time.monotonic() + WAIT_SECONDS
        for dag_id in DAGS:
            while not self.api.has_dag(dag_id):
                if time.monotonic() > deadline:
                    raise StackError(f"{self.release.name}: Airflow has not parsed {dag_id}.")
                time.sleep(0.5)
            self.api.unpause(dag_id)

    def stop(self) -> None:
        """Stop all services."""
        self.release.run("stop", self._environment)

    # Kills

    def processes(self, service: str) -> list[psutil.Process]:
        """Return a service's processes, whichever release started it."""
        session, found = None, []
        # The service may be starting or stopping.
        with suppress(OSError, ValueError):
            session = json.loads((self.settings.run_dir / f"{service}.json").read_text())["pid"]
        for pid in psutil.pids():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getsid(pid) == session:
                    found.append(psutil.Process(pid))
        return found

    def postgres_processes(self) -> list[psutil.Process]:
        """Return the processes of PostgreSQL."""
        found = []
        for pid in stack_cluster(self.settings).processes():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

    def kill_scheduler(self) -> None:
        """Kill the scheduler with its tasks while a task runs, and start it again."""
        self._wait_for_task()
        self._kill(self.processes("scheduler"))
        self.up()

    def kill_worker(self) -> None:
        """Kill a worker of the scheduler with its task."""
        worker = self._wait_for_task()
        self._kill([*worker.children(recursive=True), worker])

    def kill_postgres(self) -> None:
        """Kill all processes of PostgreSQL while a task runs, and start what has ended."""
        self._wait_for_task()
        self._kill(self.postgres_processes())
        self.up()

    def lose_metadata(self) -> None:
        """Kill Airflow, drop its database, and start it again."""
        for service in SERVICES:
            self._kill(self.processes(service))
        self._query("drop database airflow with (force)", roles.SUPERUSER, "postgres")
        self.up()

    def _wait_for_task(self) -> psutil.Process:
        """Wait until a worker of the LocalExecutor has a task, and return the worker."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for process in self.processes("scheduler"):
                with suppress(psutil.Error):
                    title = " ".join(process.cmdline())
                    if "LocalExecutor: " in title and "<idle>" not in title:
                        return process
            time.sleep(0.1)
        raise StackError("No task ran.")

    @staticmethod
    def _kill(processes: Sequence[psutil.Process]) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)

    # Runs

    @property
    def api(self) -> AirflowApi:
        """A client for Airflow's API."""
        return AirflowApi(self.settings.ui_url, load_secrets(self.settings.secrets_path).admin_password)

    def finish_due_runs(self) -> None:
        """Wait until every due run has ended. If tasks only wait for a retry, let the time pass.

        Raises:
            StackError: The runs do not end.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        api = self.api
        while time.monotonic() < deadline:
            with suppress(StackError):
                dags = [dag for dag in api._call("GET", "/api/v2/dags")["dags"] if not dag["is_paused"]]
                due = [dag for dag in dags if self._is_due(dag)]
                active = api._call("GET", "/api/v2/dags/~/dagRuns?state=running&state=queued")["dag_runs"]
                if dags and not due and not active:
                    return
                if active and not self._tasks(api, "running", "queued", "scheduled"):
                    time.sleep(1)
                    if self._tasks(api, "up_for_retry") and not self._tasks(api, "running", "queued"):
                        self.clock.set(self.clock.now() + RETRY_STEP)
            time.sleep(0.5)
        raise StackError(f"Runs did not end within {WAIT_SECONDS:.0f} s.")

    def _is_due(self, dag: dict[str, Any]) -> bool:
        at = dag["next_dagrun_run_after"]
        return at is not None and datetime.fromisoformat(at) <= self.clock.now()

    @staticmethod
    def _tasks(api: AirflowApi, *states: str) -> list[Any]:
        query = "&".join(f"state={state}" for state in states)
        return list(api._call("GET", f"/api/v2/dags/~/dagRuns/~/taskInstances?{query}")["task_instances"])

    def runs_since(self, since: datetime) -> list[dict[str, Any]]:
        """Return the runs that started since a time."""
        query = f"start_date_gte={since:%Y-%m-%dT%H:%M:%SZ}&limit=100"
        return list(self.api._call("GET", f"/api/v2/dags/~/dagRuns?{query}")["dag_runs"])

    # The warehouse

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the warehouse."""
        return self._query(statement, roles.SUPERUSER, "warehouse")

    def _query(self, statement: str, role: str, database: str) -> list[tuple[Any, ...]]:
        password = load_secrets(self.settings.secrets_path).postgres[role]
        with (
            roles.connect(HOST, self.settings.pg_port, role, password, database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def installed(home: Path, clock: Clock, sandbox: RunningSandbox) -> Iterator[Installation]:
    """Provide an installation of 1.0.0 for a `with` block, not yet started."""
    settings = Settings(home / "local", free_port(), free_port(), free_port())
    connection = {
        "conn_type": "agora_dashboard",
        "host": sandbox.base_url,
        "login": sandbox.customer_id,
        "password": sandbox.customer_certificate,
        "extra": {"requests_per_second": REQUESTS_PER_SECOND, "max_concurrency": 16},
    }
    environment = {
        **os.environ,
        **HEARTBEAT_TIMEOUT,
        "AGORA_LOCAL_DIR": str(settings.state),
        "AGORA_UI_PORT": str(settings.ui_port),
        "AGORA_PG_PORT": str(settings.pg_port),
        "AGORA_SANDBOX_PORT": str(settings.sandbox_port),
        "AIRFLOW_CONN_AGORA_DASHBOARD": json.dumps(connection),
        "AIRFLOW_VAR_AGORA_APPS": json.dumps(sandbox.app_ids),
    }
    try:
        yield Installation(settings, clock, environment, RELEASED)
    finally:
        stack.clean(settings)
