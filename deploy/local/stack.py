"""The whole local stack: start services in order, check their health, set up Airflow, stop, clean."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from deploy.local import processes, sandbox_service
from deploy.local.airflow_api import AirflowApi, ApiUnavailableError
from deploy.local.airflow_environment import build_environment, write_password_file
from deploy.local.errors import RefusedError, StackError
from deploy.local.postgres_server import stack_cluster, start_stack_cluster
from deploy.local.processes import STOP_SECONDS, Record, Service
from deploy.local.progress import step
from deploy.local.secret_files import Secrets, load_or_create_secrets, load_secrets
from deploy.local.settings import PORT_VARIABLES, Settings, read_dotenv, require_free_port

DEMO, UP = "demo", "up"
DAG_ID = "agora_bandwidth_daily"
RUN_PREFIX = "demo__"
# A log server would listen on every address, so the api-server reads the log files from disk instead.
AIRFLOW_SERVICES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# Services in the order in which they stop, with the seconds that each may take. The scheduler waits for
# running tasks, which report to the api-server.
STOP_GROUPS = (
    {"scheduler": 15.0, "dag-processor": STOP_SECONDS, "triggerer": STOP_SECONDS},
    {"api-server": STOP_SECONDS, sandbox_service.NAME: STOP_SECONDS},
)


@dataclass(frozen=True)
class Stack:
    """One local stack.

    Attributes:
        settings: Paths and ports.
        secrets: Passwords and keys.
        mode: `demo` or `up`.
        caller: The caller's environment. In mode `up`, it includes the variables from `.env`.
    """

    settings: Settings
    secrets: Secrets
    mode: str
    caller: Mapping[str, str] = field(repr=False)

    @property
    def api(self) -> AirflowApi:
        """A new client for Airflow's API."""
        return AirflowApi(self.settings.ui_url, self.secrets.admin_password)

    @property
    def airflow_environment(self) -> dict[str, str]:
        """Environment for Airflow's processes."""
        return build_environment(self.settings, self.secrets, self.caller, is_demo=self.mode == DEMO)

    @property
    def airflow_services(self) -> list[Service]:
        """Airflow's services, beginning with the api-server."""
        environment = self.airflow_environment
        return [
            Service(
                name, [sys.executable, "-P", "-m", "airflow", *arguments], environment, self.settings.state
            )
            for name, arguments in AIRFLOW_SERVICES.items()
        ]

    @property
    def sandbox(self) -> Service:
        """The sandbox API as a service."""
        return sandbox_service.make_service(self.settings, self.secrets, self.caller)

    def require_running(self) -> None:
        """Raise StackError if one of Airflow's services has ended."""
        for service in self.airflow_services:
            service.require_running()


def caller_environment(settings: Settings, mode: str) -> dict[str, str]:
    """Return the process environment. Mode `up` adds variables from `.env` that the environment lacks."""
    from_file = {} if mode == DEMO else read_dotenv(settings.root / ".env")
    return {**from_file, **os.environ}


def load(settings: Settings) -> Stack:
    """Return the stack that was started in this state directory.

    Raises:
        StackError: No stack was started in this directory.
    """
    secrets = load_secrets(settings.secrets_path)
    mode = str(settings.state_file.read().get("mode"))
    return Stack(settings, secrets, mode, caller_environment(settings, mode))


def start(settings: Settings, mode: str, configure: Callable[[Stack], None]) -> Stack:
    """Start the services that are not running, and wait until all services are healthy.

    Args:
        settings: Paths and ports.
        mode: `demo` or `up`.
        configure: Function that sets up Airflow. It is called once Airflow's API responds.

    Raises:
        StackError: The state belongs to the other mode, a port is taken, or a service does not start.
    """
    _require_our_directory(settings)
    _require_mode(settings, mode)
    with _lock(settings):
        _require_ports(settings, mode)
        settings.make_directories()
        settings.state_file.update(mode=mode, ports=settings.ports)
        secrets = load_or_create_secrets(settings.secrets_path)
        stack = Stack(settings, secrets, mode, caller_environment(settings, mode))
        _start_sandbox_and_postgres(stack)
        _start_airflow(stack, configure)
    return stack


def stop(settings: Settings) -> bool:
    """Stop all services, whatever their state, and return whether any process was running."""
    if not settings.state.exists():
        return False
    with _lock(settings):
        names = [*AIRFLOW_SERVICES, sandbox_service.NAME]
        was_running = any(Record(name, settings.state).members() for name in names)
        for seconds in STOP_GROUPS:
            processes.stop(seconds, settings.state)
        processes.stop_strays(settings.state)
        if settings.postgres_data.exists():
            cluster = stack_cluster(settings)
            was_running = was_running or cluster.server_pid() is not None
            cluster.stop()
    return was_running


def clean(settings: Settings) -> None:
    """Stop all services and remove the state directory."""
    _require_our_directory(settings)
    stop(settings)
    if settings.state.exists():
        shutil.rmtree(settings.state)


def _wait_until_healthy(
    stack: Stack, services: Sequence[Service], components: tuple[str, ...], seconds: float
) -> None:
    """Wait until Airflow reports that the given components are healthy.

    Args:
        stack: The stack.
        services: Services that were started.
        components: Names in the response of `/api/v2/monitor/health`.
        seconds: Maximum time to wait.
    """
    deadline = time.monotonic() + seconds
    health: dict[str, str] = {}
    api = stack.api
    while time.monotonic() < deadline:
        for service in services:
            service.require_running()
        with suppress(ApiUnavailableError):
            health = api.health()
            if all(health.get(name) == "healthy" for name in components):
                return
        time.sleep(0.3)
    raise StackError(
        f"Airflow was not healthy after {seconds:.0f} s: {health or 'its API does not respond'}. "
        f"Its logs are in {stack.settings.log_dir}."
    )


def _start_sandbox_and_postgres(stack: Stack) -> None:
    if stack.mode == DEMO:
        sandbox_service.write_faults(stack.settings)
        # The sandbox starts while PostgreSQL starts.
        stack.sandbox.start()
    with step("PostgreSQL"):
        start_stack_cluster(stack.settings, stack.secrets)
    if stack.mode == DEMO:
        with step("Sandbox API"):
            sandbox_service.wait_until_healthy(stack.settings, stack.sandbox)


def _start_airflow(stack: Stack, configure: Callable[[Stack], None]) -> None:
    # Imported here, because `make stop` does not need SQLAlchemy.
    from deploy.local.migrations import migrate_both

    write_password_file(stack.settings, stack.secrets)
    with step("Database migrations"):
        migrate_both(stack.settings, stack.secrets, stack.airflow_environment)
    services = stack.airflow_services
    *others, scheduler = sorted(services, key=lambda service: service.name == "scheduler")
    with step("Airflow's API"):
        for service in others:
            service.start()
        _wait_until_healthy(stack, others, ("metadatabase",), 180)
    with step("Airflow connections, pool and apps"):
        configure(stack)
    # The scheduler starts last, because it may immediately start a scheduled run, which needs connections.
    with step("Scheduler"):
        scheduler.start()
        _wait_until_healthy(stack, services, ("dag_processor", "triggerer", "scheduler"), 180)


def _require_our_directory(settings: Settings) -> None:
    """Refuse a directory with files from elsewhere, because `clean` removes the whole directory."""
    state = settings.state
    is_ours = (state / "state.json").exists()
    if state.exists() and not is_ours and {entry.name for entry in state.iterdir()} - {"lock"}:
        raise RefusedError(
            f"{state} has files that do not belong to a local stack. Set AGORA_LOCAL_DIR to a new directory."
        )


def _require_mode(settings: Settings, mode: str) -> None:
    known = settings.state_file.read().get("mode", mode)
    if known != mode:
        raise RefusedError(
            f"{settings.state} belongs to `make {known}`, and sandbox data must not mix with real data. "
            f"Run `make {mode}` with another AGORA_LOCAL_DIR and other ports, "
            "or stop the stack and remove its data with `make clean`."
        )


def _require_ports(settings: Settings, mode: str) -> None:
    """Before any service starts, refuse ports that are taken or differ from those of a running stack."""
    state = settings.state
    running = {
        "ui": Record("api-server", state).leader() is not None,
        "pg": settings.postgres_data.exists() and stack_cluster(settings).server_pid() is not None,
        "sandbox": Record(sandbox_service.NAME, state).leader() is not None,
    }
    stored = settings.state_file.read().get("ports", settings.ports)
    if any(running.values()) and stored != settings.ports:
        known = ", ".join(f"{PORT_VARIABLES[name]}={port}" for name, port in stored.items())
        raise RefusedError(
            f"This stack already runs on other ports ({known}). Stop it first with `make stop`."
        )
    purposes = {"ui": "Airflow", "pg": "PostgreSQL", "sandbox": "the sandbox API"}
    for name, port in settings.ports.items():
        if not running[name] and (mode == DEMO or name != "sandbox"):
            require_free_port(port, purposes[name], PORT_VARIABLES[name])


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    """Prevent two commands from starting or stopping the same stack at the same time."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.state / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(
                "Another command is starting or stopping this stack. Wait for it, or stop it with Ctrl-C."
            ) from None
        yield
