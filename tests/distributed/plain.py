"""The installation in docker-compose.yaml as plain processes, with its commands and settings but no engine.

Each process gets what its container would have: a host name, an Airflow home and ports.
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
# The scheduler and the workers finish their current work before they stop.
GRACE = {"scheduler": 20.0, "worker": 20.0}
# These override compose's settings. With Airflow's default, the tests would wait five minutes for a killed
# task. With compose's four tasks per worker, one worker could fill the pool alone.
TEST_SETTINGS = {
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
Settings = Mapping[str, str]


@dataclass
class Installation:
    """One installation in its own directory.

    Attributes:
        state: The directory.
        settings: Settings that override compose's, as in a user's override file.
    """

    state: Path
    settings: Settings = field(default_factory=lambda: dict(TEST_SETTINGS))
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    def __post_init__(self) -> None:
        for name in ("log", "run", "certificates", "redis", "logs", "home", "deploy/compose"):
            (self.state / name).mkdir(mode=0o700, parents=True)
        shutil.copy(ROOT / "deploy/compose/secrets.sh", self.state / "deploy/compose")
        subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=self.state, check=True, capture_output=True)
        self.change(
            AGORA_DATABASE_HOST=HOST,
            AGORA_DATABASE_PORT=str(self.ports["postgres"]),
            AGORA_UI_URL=self.ui_url,
        )

    # Parts

    @property
    def dotenv(self) -> Path:
        """Path of `.env`."""
        return self.state / ".env"

    @property
    def variables(self) -> dict[str, str]:
        """The current variables in `.env`."""
        return read_dotenv(self.dotenv)

    def change(self, **variables: str) -> None:
        """Change variables in `.env`, as a user would with an editor."""
        updated = {**self.variables, **variables}
        self.dotenv.write_text("".join(f"{name}={value}\n" for name, value in updated.items()))

    @property
    def ui_url(self) -> str:
        """Address of Airflow's UI and API."""
        return f"http://{HOST}:{self.ports['api-server']}"

    @cached_property
    def cluster(self) -> Cluster:
        """The PostgreSQL server."""
        programs = find_programs()
        programs.allow_traversal(self.state)
        programs.allow_traversal(self.state / "log")
        data, log = self.state / "postgres", self.state / "log" / "postgres.log"
        return Cluster(programs, data, log, self.ports["postgres"])

    @property
    def sandbox(self) -> SandboxOverHttps:
        """The sandbox, running or not."""
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
        """Return a container's environment, adapted to a plain process on this machine.

        Args:
            host: Name of the service, with a number if it has several containers: worker-2.
            further: Additional variables.
        """
        home = self.state / "home" / host
        home.mkdir(mode=0o700, exist_ok=True)
        declared = compose_file.container(_service(host), self.variables).environment
        from_compose = {name: self._localized(value) for name, value in declared.items()}
        return {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": f"{HOST},localhost",
            **from_compose,
            "PYTHONPATH": f"{Path(__file__).with_name('host_name')}:{from_compose.get('PYTHONPATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
            HOST_NAME: host,
            # A change in the container's environment restarts its process, as in compose.
            "AGORA_ENVIRONMENT_DIGEST": hashlib.sha256(repr(sorted(declared.items())).encode()).hexdigest(),
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
            self._localized(part) for part in compose_file.container(_service(host), self.variables).command
        ]
        command[0] = shutil.which(command[0], path=f"{PROGRAMS}:{os.environ['PATH']}") or command[0]
        if host == "sandbox":
            # If an option is given twice, the last one counts.
            where = ("--https", "localhost", str(self.state / "certificates"))
            command += [*where, "--port", str(self.ports["sandbox"])]
        elif host not in ("redis", "api-server", "dag-processor"):
            # Each of these has a log server on its own port.
            kind = "TRIGGER" if host == "triggerer" else "WORKER"
            port = self.ports.setdefault(host, free_port())
            further = {f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT": str(port), **further}
        return Service(host, command, self.environment(host, **further), self.state)

    def run(self, host: str, *command: str, **further: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container's environment. Default: the container's own command."""
        service = compose_file.container(_service(host), self.variables)
        parts = [self._localized(part) for part in command or service.command]
        environment = {**self.environment(host, **further), processes.MARKER: str(self.state)}
        result = subprocess.run(
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
            log.write(result.stdout + result.stderr)
        return result

    def is_healthy(self, host: str) -> bool:
        """Run a container's own health check."""
        command = compose_file.health_check(_service(host))
        port = ["-p", str(self.ports["redis"])] if host == "redis" else []
        return self.run(host, *command[:1], *port, *command[1:]).returncode == 0

    def _localized(self, text: str) -> str:
        """Replace a container's addresses and folders with those of this installation."""
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

    # Start and stop

    def start(self, *hosts: str, **further: str) -> None:
        """Start the processes that do not yet run with these settings, and wait until they are up."""
        if "postgres" in hosts:
            self._start_postgres()
        services = [self.service(host, **further) for host in hosts if host != "postgres"]
        # Outdated processes stop concurrently, each with its own grace period.
        self.stop(*(service.name for service in services if not service.is_current()))
        for service in services:
            service.start()
        for service in services:
            self._wait_for(service.name)

    def stop(self, *hosts: str) -> None:
        """Stop processes gracefully."""
        if "postgres" in hosts:
            self.cluster.stop()
        grace_seconds = {
            host: GRACE.get(_service(host), processes.STOP_SECONDS) for host in hosts if host != "postgres"
        }
        processes.stop(grace_seconds, self.state)

    def kill(self, host: str) -> None:
        """Kill every process of a container."""
        record = processes.Record(host, self.state)
        for process in record.members():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        wait_until(f"{host} is dead", lambda: not record.members(), 10)
        record.remove()

    def running(self) -> list[str]:
        """Return the running containers other than PostgreSQL."""
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
        wait_until(f"{host} is up", lambda: self._passes(host, checks[_service(host)]), START_SECONDS)

    def _passes(self, host: str, check: Callable[[], bool]) -> bool:
        self.service(host).require_running()
        with suppress(ApiUnavailableError, OSError):
            return check()
        return False

    def redis(self, *command: str) -> str:
        """Run a Redis command."""
        result = subprocess.run(
            ["redis-cli", "--no-auth-warning", "-p", str(self.ports["redis"]), *command],
            env={**os.environ, "REDISCLI_AUTH": self.variables["AGORA_REDIS_PASSWORD"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stdout.strip()


def wait_until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition holds, and fail if that takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


def workers(number: int) -> Iterable[str]:
    """Return the names of the first workers."""
    return [f"worker-{n}" for n in range(1, number + 1)]


def _service(host: str) -> str:
    """Return the service to which a container belongs."""
    name, _, number = host.rpartition("-")
    return name if number.isdigit() else host
