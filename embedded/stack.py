"""The services of the local stack together: started in order, checked, configured, stopped in order."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from embedded import airflow_env, dotenv, postgres, processes, sandbox_service, secrets_file
from embedded.airflow_api import AirflowApi, ApiUnavailableError
from embedded.errors import RefusedError, StackError
from embedded.ports import require_free
from embedded.processes import Service
from embedded.progress import step
from embedded.secrets_file import Secrets
from embedded.settings import PORT_VARIABLES, Settings

DEMO, UP = "demo", "up"
DAG_ID = "agora_bandwidth_daily"
RUN_PREFIX = "demo__"
# Log servers would listen on every address; the api-server reads the log files on this disk.
AIRFLOW_SERVICES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# In this order, with the seconds each may take. The scheduler waits for running tasks, and a task that ends
# meanwhile still reports to the api-server.
STOPPED_TOGETHER = (
    {"scheduler": 15.0, "dag-processor": processes.PATIENCE, "triggerer": processes.PATIENCE},
    {"api-server": processes.PATIENCE, sandbox_service.NAME: processes.PATIENCE},
)


@dataclass(frozen=True)
class Stack:
    """One local stack.

    Attributes:
        settings: Paths and ports.
        secrets: Passwords and keys.
        mode: `demo` or `up`.
        caller: The caller's environment, with `.env` under it in mode `up`.
    """

    settings: Settings
    secrets: Secrets
    mode: str
    caller: Mapping[str, str] = field(repr=False)

    @property
    def api(self) -> AirflowApi:
        """A new client of Airflow's API."""
        return AirflowApi(self.settings.ui_url, self.secrets.admin_password)

    @property
    def airflow_environment(self) -> dict[str, str]:
        """Environment of Airflow's processes."""
        return airflow_env.build(self.settings, self.secrets, self.caller, is_demo=self.mode == DEMO)

    @property
    def airflow_services(self) -> list[Service]:
        """Airflow's services, the api-server first."""
        environment = self.airflow_environment
        return [
            Service(
                name, [sys.executable, "-P", "-m", "airflow", *arguments], environment, self.settings.state
            )
            for name, arguments in AIRFLOW_SERVICES.items()
        ]

    @property
    def sandbox(self) -> Service:
        """The sandbox API."""
        return sandbox_service.service(self.settings, self.secrets, self.caller)

    def require_running(self) -> None:
        """Refuse to go on if a service has ended."""
        for service in self.airflow_services:
            service.require_running()


def caller_environment(settings: Settings, mode: str) -> dict[str, str]:
    """Return what the caller gives: the process environment, in mode `up` over that of `.env`."""
    given = {} if mode == DEMO else dotenv.read(settings.root / ".env")
    return {**given, **os.environ}


def existing(settings: Settings) -> Stack:
    """Return the stack that was started here before.

    Raises:
        StackError: There is none.
    """
    secrets = secrets_file.load(settings.state / "secrets.json")
    mode = str(settings.state_file.read().get("mode"))
    return Stack(settings, secrets, mode, caller_environment(settings, mode))


def start(settings: Settings, mode: str, configure: Callable[[Stack], None]) -> Stack:
    """Start everything that does not run, and wait until it is healthy.

    Args:
        settings: Paths and ports.
        mode: `demo` or `up`.
        configure: Puts what the DAGs need into Airflow; called once its API answers.

    Raises:
        StackError: The state belongs to the other mode, a port is taken, or a service does not come up.
    """
    _require_our_directory(settings)
    _require_mode(settings, mode)
    with _alone(settings):
        _require_ports(settings, mode)
        settings.make_directories()
        settings.state_file.remember(mode=mode, ports=settings.ports)
        secrets = secrets_file.load_or_create(settings.state / "secrets.json")
        stack = Stack(settings, secrets, mode, caller_environment(settings, mode))
        _start_sandbox_and_postgres(stack)
        _start_airflow(stack, configure)
    return stack


def stop(settings: Settings) -> bool:
    """Stop everything, whatever state it is in; return whether there was anything to stop."""
    if not settings.state.exists():
        return False
    with _alone(settings):
        names = [*AIRFLOW_SERVICES, sandbox_service.NAME]
        had = any(processes.Record(name, settings.state).members() for name in names)
        for patience in STOPPED_TOGETHER:
            processes.stop(patience, settings.state)
        processes.stop_strays(settings.state)
        if settings.postgres_data.exists():
            cluster = postgres.of_stack(settings)
            had = had or cluster.server_pid() is not None
            cluster.stop()
    return had


def clean(settings: Settings) -> None:
    """Stop everything and remove the state."""
    _require_our_directory(settings)
    stop(settings)
    if settings.state.exists():
        shutil.rmtree(settings.state)


def _wait_until_healthy(
    stack: Stack, services: Sequence[Service], parts: tuple[str, ...], seconds: float
) -> None:
    """Wait until parts of Airflow call themselves healthy.

    Args:
        stack: The stack.
        services: Those that were started.
        parts: Names as `/api/v2/monitor/health` has them; none: that the API answers.
        seconds: How long to wait.
    """
    deadline = time.monotonic() + seconds
    health: dict[str, str] = {}
    api = stack.api
    while time.monotonic() < deadline:
        for service in services:
            service.require_running()
        with suppress(ApiUnavailableError):
            health = api.health()
            if all(health.get(part) == "healthy" for part in parts):
                return
        time.sleep(0.3)
    raise StackError(
        f"Airflow was not healthy after {seconds:.0f} s: {health or 'its API does not answer'}. "
        f"Its logs are in {stack.settings.log_dir}."
    )


def _start_sandbox_and_postgres(stack: Stack) -> None:
    if stack.mode == DEMO:
        sandbox_service.write_faults(stack.settings)
        # It comes up while PostgreSQL does.
        stack.sandbox.start()
    with step("PostgreSQL"):
        postgres.start_of_stack(stack.settings, stack.secrets)
    if stack.mode == DEMO:
        with step("Sandbox API"):
            sandbox_service.wait(stack.settings, stack.sandbox)


def _start_airflow(stack: Stack, configure: Callable[[Stack], None]) -> None:
    # Not at the top: stopping needs no SQLAlchemy.
    from embedded import databases

    airflow_env.write_password_file(stack.settings, stack.secrets)
    with step("Schemas of both databases"):
        databases.upgrade(stack.settings, stack.secrets, stack.airflow_environment)
    services = stack.airflow_services
    *others, scheduler = sorted(services, key=lambda service: service.name == "scheduler")
    with step("Airflow"):
        for service in others:
            service.start()
        _wait_until_healthy(stack, others, ("metadatabase", "dag_processor", "triggerer"), 180)
    with step("Connections, pool and apps in Airflow"):
        configure(stack)
    # Last: the schedule of a DAG may start a run at once, which would find no connection.
    with step("Scheduler"):
        scheduler.start()
        _wait_until_healthy(stack, services, ("scheduler",), 180)


def _require_our_directory(settings: Settings) -> None:
    """Refuse a directory that holds something else: `clean` removes all of it."""
    state = settings.state
    is_ours = (state / "state.json").exists()
    if state.exists() and not is_ours and {entry.name for entry in state.iterdir()} - {"lock"}:
        raise RefusedError(f"{state} holds something else. Let AGORA_LOCAL_DIR name a new directory.")


def _require_mode(settings: Settings, mode: str) -> None:
    known = settings.state_file.read().get("mode", mode)
    if known != mode:
        raise RefusedError(
            f"{settings.state} belongs to `make {known}`, and the sandbox's numbers must never mix with real "
            "ones. Stop it with `make stop`. "
            f"Run `make {mode}` beside it with another AGORA_LOCAL_DIR (and ports), "
            "or remove what is there with `make clean`."
        )


def _require_ports(settings: Settings, mode: str) -> None:
    """Refuse taken ports before anything is started, and ports other than those of a running stack."""
    state = settings.state
    running = {
        "ui": processes.Record("api-server", state).leader() is not None,
        "pg": settings.postgres_data.exists() and postgres.of_stack(settings).server_pid() is not None,
        "sandbox": processes.Record(sandbox_service.NAME, state).leader() is not None,
    }
    remembered = settings.state_file.read().get("ports", settings.ports)
    if any(running.values()) and remembered != settings.ports:
        known = ", ".join(f"{PORT_VARIABLES[name]}={port}" for name, port in remembered.items())
        raise RefusedError(f"This stack runs on other ports ({known}). Stop it with `make stop` first.")
    purposes = {"ui": "Airflow", "pg": "PostgreSQL", "sandbox": "the sandbox API"}
    for name, port in settings.ports.items():
        if not running[name] and (mode == DEMO or name != "sandbox"):
            require_free(port, purposes[name], PORT_VARIABLES[name])


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keep two commands from starting or stopping the same stack at once."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.state / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(
                "Another command is starting or stopping this stack. Wait for it, or end it with Ctrl-C."
            ) from None
        yield
