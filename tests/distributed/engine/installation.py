"""An installation made with docker-compose.yaml in its own folder, operated as its owner operates it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from deploy.local.airflow_api import AirflowApi, ApiUnavailableError
from deploy.local.settings import free_port
from tests.distributed.engine.engine import Engine
from tests.support.paths import ROOT

PROFILES = ("--profile", "sandbox")
BUILD_SECONDS = 900
HEALTHY_SECONDS = 240
RUN_SECONDS = 300
DAILY = "agora_bandwidth_daily"
# Airflow notices a dead task after five minutes. Here it takes 20 seconds, as in tests.distributed.plain.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
# Each start waits for at least one check, and compose checks only every ten seconds. The checks may fail for
# the same time as with compose's settings. No service waits for a worker, whose check takes a second of CPU
# time.
FREQUENT_CHECKS = {"interval": "3s", "retries": 20}
SERVICES = ["postgres", "redis", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "sandbox"]
SANDBOX_CALL = """
import base64, os, ssl, sys
from urllib.request import Request, urlopen
login = os.environ["SANDBOX_CUSTOMER_ID"] + ":" + os.environ["SANDBOX_CUSTOMER_CERTIFICATE"]
basic = "Basic " + base64.b64encode(login.encode()).decode()
headers = {"Authorization": basic, "Content-Type": "application/json"}
trusted = ssl.create_default_context(cafile="/opt/agora/certificates/ca.pem")
method, call, body = sys.argv[1:]
request = Request("https://sandbox:8090/_sandbox/" + call, body.encode(), headers, method=method)
print(urlopen(request, timeout=30, context=trusted).read().decode())
"""
Json = dict[str, Any]


def copy_tree(directory: Path) -> None:
    """Copy the files that git tracks or would track, as a clone would contain them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, directory / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)


class Installation:
    """The containers of one folder.

    Args:
        engine: The engine that runs the containers.
        directory: A folder with a copy of the tree.
    """

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory

    def make(self, target: str) -> str:
        """Run a make target."""
        result = subprocess.run(
            ["make", target],
            cwd=self.directory,
            env=self.engine.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout

    def configure(self, **more: str) -> None:
        """Add a free port and further variables to .env, and override settings that would take too long."""
        values = {"AGORA_UI_PORT": str(free_port()), **more}
        with (self.directory / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
        services: dict[str, Json] = {
            name: {"healthcheck": FREQUENT_CHECKS} for name in SERVICES if name != "worker"
        }
        for name in ("scheduler", "worker"):
            services.setdefault(name, {})["environment"] = IMPATIENT
        (self.directory / "docker-compose.override.yaml").write_text(json.dumps({"services": services}))

    @property
    def values(self) -> dict[str, str]:
        """The variables in .env."""
        lines = (self.directory / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    @property
    def secrets(self) -> dict[str, str]:
        """The secret variables in .env."""
        public = ("AGORA_UI_PORT", "AGORA_WORKERS", "AGORA_SANDBOX_CUSTOMER_ID")
        return {name: value for name, value in self.values.items() if name not in public}

    def compose(self, *arguments: str, check: bool = True, seconds: float = 300) -> str:
        """Run `docker compose` with the sandbox's profile. A failure reports the services' states."""
        command = ("compose", *PROFILES, *arguments)
        result = self.engine.docker(*command, directory=self.directory, check=False, seconds=seconds)
        if check and result.returncode:
            output = (result.stdout + result.stderr)[-3000:]
            raise AssertionError(f"docker {' '.join(command)} failed:\n{output}\n{self.status_report()}")
        return result.stdout

    def up(self, *arguments: str) -> None:
        """Start all services, and wait until they are healthy and the sandbox's account is set up."""
        self.compose("up", "--detach", *arguments, seconds=BUILD_SECONDS)
        self.wait(self.is_healthy, "the installation to be healthy", HEALTHY_SECONDS)

    def containers(self) -> list[Json]:
        """Return the entry of each container in `docker compose ps`."""
        lines = self.compose("ps", "--all", "--format", "json", check=False).splitlines()
        return [json.loads(line) for line in lines]

    def ids(self, service: str) -> list[str]:
        """Return the IDs of a service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's first container."""
        return self.engine.docker("exec", self.ids(service)[0], *command).stdout

    def users(self, container: str) -> set[str]:
        """Return the user IDs of a container's processes."""
        lines = self.engine.docker("top", container, "-eo", "pid,uid,args").stdout.splitlines()
        return {line.split()[1] for line in lines[1:]}

    def inspect(self) -> list[Json]:
        """Return the engine's description of every container."""
        result = self.engine.docker("inspect", *self.compose("ps", "--all", "--quiet").split())
        return list(json.loads(result.stdout))

    def is_healthy(self) -> bool:
        """Return whether every service is healthy or, if it runs only once, has succeeded."""
        containers = self.containers()
        return bool(containers) and all(
            container["Health"] == "healthy" or (container["State"] == "exited" and not container["ExitCode"])
            for container in containers
        )

    def status_report(self) -> str:
        """Return the states of the containers and the ends of their logs."""
        parts = [self.compose("ps", "--all", check=False)]
        parts += [self.compose("logs", "--no-color", "--tail", "15", check=False)[-12000:]]
        return "\n".join(parts)

    def wait(self, holds: Callable[[], object], what: str, seconds: float) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # A restarting service does not respond for a while.
            with suppress(ApiUnavailableError):
                if holds():
                    return
            time.sleep(0.3)
        raise AssertionError(f"waited {seconds} s for {what}:\n{self.status_report()}")

    def sql(self, statement: str, database: str = "warehouse") -> list[tuple[str, ...]]:
        """Query a database as the superuser inside its container."""
        query = ("psql", "--username=postgres", "--csv", "--tuples-only", f"--command={statement}", database)
        # A row with a single null is an empty line.
        return [tuple(row) or ("",) for row in csv.reader(io.StringIO(self.inside("postgres", *query)))]

    def points(self) -> tuple[str, ...]:
        """Return a digest of all points, and the numbers of app-days and points in each state."""
        ((digest,),) = self.sql(
            "select md5(string_agg(concat_ws(' ', app_id, usage_date, state, points, kbps::text), ',' "
            "order by app_id, usage_date)) from core.app_day join core.app using (app_key)"
        )
        counts = self.sql("select state, count(*), sum(points) from mart.coverage group by state order by 1")
        return digest, *(" ".join(row) for row in counts)

    def sandbox(self, method: str, call: str, body: object) -> None:
        """Call one of the sandbox's control endpoints from inside its container."""
        query = ("python", "-c", SANDBOX_CALL, method, call, json.dumps(body))
        self.inside("sandbox", *query)

    def api(self) -> AirflowApi:
        """Return Airflow's API as the administrator."""
        values = self.values
        return AirflowApi(f"http://127.0.0.1:{values['AGORA_UI_PORT']}", values["AGORA_ADMIN_PASSWORD"])

    def trigger(self, dag_id: str = DAILY) -> str:
        """Start a run and return its ID."""
        run_id = f"test_{time.time()}"
        self.api().trigger(dag_id, run_id, "")
        return run_id

    def wait_for_run(self, run_id: str, dag_id: str = DAILY) -> str:
        """Wait until a run has ended, and return its state."""
        api, state = self.api(), ""

        def has_ended() -> bool:
            nonlocal state
            state = api.run_state(dag_id, run_id)
            return state in ("success", "failed")

        self.wait(has_ended, f"{dag_id} {run_id} to end", RUN_SECONDS)
        return state

    def first_run(self) -> str:
        """Return the ID of the run that the schedule starts once the DAG is unpaused."""
        path = f"/api/v2/dags/{quote(DAILY)}/dagRuns?run_type=scheduled"
        found: list[str] = []

        def has_begun() -> bool:
            found.extend(run["dag_run_id"] for run in self.api()._call("GET", path)["dag_runs"])
            return bool(found)

        self.wait(has_begun, "the schedule to start a run", HEALTHY_SECONDS)
        return found[0]

    def app_days(self, today: date) -> int:
        """Return the number of app-days of the sandbox's account up to yesterday."""
        from agora.bandwidth.window import oldest_day

        return 20 * (today - oldest_day("1 month", today)).days
