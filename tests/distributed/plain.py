"""The installation of docker-compose.yaml as plain processes: its commands and settings, without an engine.

What containers would have of their own is given to each process: a host name, a home of Airflow's, ports.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.local import processes
from deploy.local.airflow_api import AirflowApi, ApiUnavailableError
from deploy.local.postgres_binaries import find_programs
from deploy.local.postgres_server import Cluster
from deploy.local.processes import Service
from deploy.local.settings import HOST, free_port, read_dotenv
from tests.distributed import compose_file
from tests.distributed.sandbox_over_https import SandboxOverHttps
from tests.support.paths import ROOT

PROGRAMS = ROOT / ".venv-distributed" / "bin"
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HOST_NAME = "AGORA_HOST_NAME"
PORTS = ("postgres", "redis", "api-server", "sandbox")
START_SECONDS = 180
# The scheduler and the workers end what they have begun.
PATIENCE = {"scheduler": 20.0, "worker": 20.0}
# Set beside compose's: with Airflow's own the tests would wait five minutes for a killed task, and compose's
# four would let one worker take alone what the pool lets through.
FOR_THE_TESTS = {
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
Settings = Mapping[str, str]


@dataclass
class Installation:
    """One installation in a directory of its own.

    Attributes:
        state: The directory.
        settings: What is set beside compose's settings, as somebody would in an override.
    """

    state: Path
    settings: Settings = field(default_factory=lambda: dict(FOR_THE_TESTS))
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    def __post_init__(self) -> None:
        for name in ("log", "run", "certificates", "redis", "logs", "home", "distributed"):
            (self.state / name).mkdir(mode=0o700, parents=True)
        shutil.copy(ROOT / "distributed" / "secrets.sh", self.state / "distributed")
        subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=self.state, check=True, capture_output=True)
        self.change(
            AGORA_DATABASE_HOST=HOST,
            AGORA_DATABASE_PORT=str(self.ports["postgres"]),
            AGORA_UI_URL=self.ui_url,
        )

    # What it is made of

    @property
    def dotenv(self) -> Path:
        """Its `.env`."""
        return self.state / ".env"

    @property
    def variables(self) -> dict[str, str]:
        """What `.env` says now."""
        return read_dotenv(self.dotenv)

    def change(self, **variables: str) -> None:
        """Change variables in `.env`, as a person would with an editor."""
        kept = {**self.variables, **variables}
        self.dotenv.write_text("".join(f"{name}={value}\n" for name, value in kept.items()))

    @property
    def ui_url(self) -> str:
        """Address of Airflow's UI and API."""
        return f"http://{HOST}:{self.ports['api-server']}"

    @cached_property
    def cluster(self) -> Cluster:
        """Its PostgreSQL server."""
        programs = find_programs()
        programs.allow_traversal(self.state)
        programs.allow_traversal(self.state / "log")
        data, log = self.state / "postgres", self.state / "log" / "postgres.log"
        return Cluster(programs, data, log, self.ports["postgres"])

    @property
    def sandbox(self) -> SandboxOverHttps:
        """The sandbox, whether it runs or not."""
        variables = self.variables
        return SandboxOverHttps(
            self.ports["sandbox"],
            self.state / "certificates" / "ca.pem",
            variables["AGORA_SANDBOX_CUSTOMER_ID"],
            variables["AGORA_SANDBOX_CUSTOMER_CERTIFICATE"],
        )

    @property
    def api(self) -> AirflowApi:
        """Airflow's API as the first user."""
        return AirflowApi(self.ui_url, self.variables["AGORA_ADMIN_PASSWORD"])

    # One process

    def environment(self, host: str, **further: str) -> dict[str, str]:
        """Return what a container of that host name has in its environment, and what makes up for it.

        Args:
            host: The service's name; of several containers of one service with a number behind it: worker-2.
            further: What is set besides.
        """
        home = self.state / "home" / host
        home.mkdir(mode=0o700, exist_ok=True)
        given = compose_file.container(_service(host), self.variables).environment
        of_compose = {name: self._here(value) for name, value in given.items()}
        return {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": f"{HOST},localhost",
            **of_compose,
            "PYTHONPATH": f"{Path(__file__).with_name('host_name')}:{of_compose.get('PYTHONPATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
            HOST_NAME: host,
            # A change of whatever the container is given starts its process anew, as compose would.
            "AGORA_GIVEN": hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest(),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.state / "logs"),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.ports["api-server"]),
            **self.settings,
            **further,
        }

    def service(self, host: str, **further: str) -> Service:
        """Return a container's process, running or not."""
        command = [
            self._here(part) for part in compose_file.container(_service(host), self.variables).command
        ]
        command[0] = shutil.which(command[0], path=f"{PROGRAMS}:{os.environ['PATH']}") or command[0]
        if host == "sandbox":
            # Of an option given twice the last one counts.
            where = ("--https", "localhost", str(self.state / "certificates"))
            command += [*where, "--port", str(self.ports["sandbox"])]
        elif host not in ("redis", "api-server", "dag-processor"):
            # Each has a log server on a port of its own.
            kind = "TRIGGER" if host == "triggerer" else "WORKER"
            port = self.ports.setdefault(host, free_port())
            further = {f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT": str(port), **further}
        return Service(host, command, self.environment(host, **further), self.state)

    def run(self, host: str, *command: str, **further: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container's environment to its end; without one, the container's own."""
        service = compose_file.container(_service(host), self.variables)
        parts = [self._here(part) for part in command or service.command]
        environment = {**self.environment(host, **further), processes.MARKER: str(self.state)}
        answer = subprocess.run(
            parts,
            env=environment,
            executable=shutil.which(parts[0], path=environment["PATH"]),
            cwd=self.state,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        with (self.state / "log" / f"{host}.log").open("a") as log:
            log.write(answer.stdout + answer.stderr)
        return answer

    def is_healthy(self, host: str) -> bool:
        """Ask a container's own health check."""
        command = compose_file.health_check(_service(host))
        port = ["-p", str(self.ports["redis"])] if host == "redis" else []
        return self.run(host, *command[:1], *port, *command[1:]).returncode == 0

    def _here(self, text: str) -> str:
        """Put the addresses and folders of this installation in place of a container's."""
        for theirs, ours in (
            ("/opt/agora/certificates", str(self.state / "certificates")),
            ("/opt/agora", str(ROOT)),
            ("@redis:6379", f"@{HOST}:{self.ports['redis']}"),
            ("dir /data", f"dir {self.state / 'redis'}\nbind {HOST}\nport {self.ports['redis']}"),
            ("http://api-server:8080", self.ui_url),
            ("https://sandbox:8090", f"https://localhost:{self.ports['sandbox']}"),
        ):
            text = text.replace(theirs, ours)
        return text

    # Life and death

    def start(self, *hosts: str, **further: str) -> None:
        """Start containers' processes, those that do not run just so, and wait until they are up."""
        if "postgres" in hosts:
            self._start_postgres()
        services = [self.service(host, **further) for host in hosts if host != "postgres"]
        # Each has its time to end what it does, and all of them the same.
        self.stop(*(service.name for service in services if not service.is_current()))
        for service in services:
            service.start()
        for service in services:
            self._wait_for(service.name)

    def stop(self, *hosts: str) -> None:
        """Stop processes in order."""
        if "postgres" in hosts:
            self.cluster.stop()
        patience = {
            host: PATIENCE.get(_service(host), processes.STOP_SECONDS) for host in hosts if host != "postgres"
        }
        processes.stop(patience, self.state)

    def kill(self, host: str) -> None:
        """Kill every process of a container at once."""
        record = processes.Record(host, self.state)
        for process in record.members():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        wait_until(f"{host} is dead", lambda: not record.members(), 10)
        record.remove()

    def running(self) -> list[str]:
        """Return the containers that run, but for PostgreSQL."""
        return sorted(record.stem for record in (self.state / "run").glob("*.json"))

    def clean(self) -> None:
        """Stop everything."""
        self.stop(*self.running())
        processes.stop_strays(self.state)
        self.cluster.stop()

    def _start_postgres(self) -> None:
        if not self.cluster.exists():
            self.cluster.create(self.variables["AGORA_POSTGRES_PASSWORD"], sync=False)
        if not self.cluster.server_pid():
            self.cluster.start()

    def _wait_for(self, host: str) -> None:
        checks: dict[str, Callable[[], bool]] = {
            "redis": lambda: self.redis("ping") == "PONG",
            "sandbox": lambda: self.sandbox.health()["status"] == "ok",
            "api-server": lambda: bool(self.api.health()),
            "scheduler": lambda: self.api.health()["scheduler"] == "healthy",
            "dag-processor": lambda: self.api.health()["dag_processor"] == "healthy",
            "triggerer": lambda: self.api.health()["triggerer"] == "healthy",
            "worker": lambda: self.is_healthy(host),
        }
        wait_until(f"{host} is up", lambda: self._tried(host, checks[_service(host)]), START_SECONDS)

    def _tried(self, host: str, check: Callable[[], bool]) -> bool:
        self.service(host).require_running()
        with suppress(ApiUnavailableError, OSError):
            return check()
        return False

    def redis(self, *words: str) -> str:
        """Ask Redis."""
        answer = subprocess.run(
            ["redis-cli", "--no-auth-warning", "-p", str(self.ports["redis"]), *words],
            env={**os.environ, "REDISCLI_AUTH": self.variables["AGORA_REDIS_PASSWORD"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.strip()


def wait_until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds, and fail if that takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


def workers(number: int) -> Iterable[str]:
    """Name so many workers."""
    return [f"worker-{n}" for n in range(1, number + 1)]


def _service(host: str) -> str:
    """Return the service that a container of this name belongs to."""
    name, _, number = host.rpartition("-")
    return name if number.isdigit() else host
