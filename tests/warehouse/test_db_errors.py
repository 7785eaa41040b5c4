"""Warehouse errors: the message names the problem and the remedy, and contains no secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from agora.errors import SettingsError, WarehouseError
from agora.hooks.warehouse import warehouse as warehouse_of_connection
from agora.warehouse.db_errors import NOTHING_LOST, explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from deploy.local.settings import free_port
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

SECRET = "a-wrong-password-0123456789"


@contextmanager
def explains(warehouse: Warehouse, *sentences: str) -> Iterator[None]:
    """Expect a WarehouseError with these sentences, and no password in its message or traceback."""
    with pytest.raises(WarehouseError) as raised, explaining_db_errors("connection agora_warehouse"):
        yield
    message = str(raised.value)
    for sentence in (*sentences, "connection agora_warehouse", NOTHING_LOST):
        assert sentence in message
    logged = "".join(traceback.format_exception(raised.value))
    assert not [secret for secret in (*warehouse.server.passwords.values(), SECRET) if secret in logged]


def engine_at(warehouse: Warehouse, **changes: object) -> Engine:
    return warehouse_engine(make_url(warehouse.url("loader")).set(**changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"port": free_port()}, ("does not respond", "Connection refused", "host and port")),
        ({"host": "nowhere.invalid"}, ("does not respond", "nowhere.invalid", "host and port")),
        ({"password": SECRET}, ("refuses the login or the password", "Correct them in the connection")),
        ({"password": ""}, ("refuses the login or the password", "no password supplied")),
        ({"username": "nobody"}, ("refuses the login or the password",)),
        ({"database": "elsewhere"}, ('database "elsewhere" does not exist', "connection's schema")),
        ({"database": "airflow"}, ("does not let the role connect to the database",)),
        ({"query": {"sslmode": "require"}}, ("TLS does not meet the requirements", "does not support SSL")),
    ],
)
def test_a_failed_connection_is_explained(
    module_warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    sentences: tuple[str, ...],
) -> None:
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    with explains(module_warehouse, *sentences), engine_at(module_warehouse, **changes).connect():
        pass


def test_a_server_without_free_connections_is_explained(warehouse: Warehouse) -> None:
    warehouse.run(f"alter database {warehouse.database} connection limit 1", role="postgres")
    with (
        warehouse.connect("loader"),
        explains(warehouse, "accepts no more connections", "pg_stat_activity"),
        engine_at(warehouse).connect(),
    ):
        pass


def test_a_database_that_was_never_migrated_is_explained(warehouse: Warehouse) -> None:
    with (
        explains(warehouse, "python -m agora.warehouse.migrations", "AGORA_WAREHOUSE_OWNER_URL"),
        create_engine(warehouse.server.url("owner", "warehouse")).connect() as connection,
    ):
        connection.execute(text("select 1 from core.app_day"))


@pytest.mark.parametrize(
    ("prepare", "statement", "sentences"),
    [
        ("", "select no_such_column from core.app_day", ("agora.warehouse.migrations",)),
        ("", "select core.no_such_function()", ("agora.warehouse.migrations",)),
        ("", "delete from core.app_day", ("does not permit", "role loader", "docs/security.md")),
        ("set transaction read only", "update core.app set name = ''", ("is read-only", "primary server")),
        ("set statement_timeout = 10", "select pg_sleep(60)", ("took too long", "pg_stat_activity")),
        (
            "",
            "select pg_terminate_backend(pg_backend_pid())",
            ("does not respond, or closed the connection",),
        ),
    ],
)
def test_a_failed_statement_is_explained(
    module_warehouse: Warehouse, prepare: str, statement: str, sentences: tuple[str, ...]
) -> None:
    with explains(module_warehouse, *sentences), engine_at(module_warehouse).connect() as connection:
        if prepare:
            connection.execute(text(prepare))
        connection.execute(text(statement))


def test_a_lock_held_by_another_session_is_explained(warehouse: Warehouse) -> None:
    with warehouse.connect() as holder, holder.cursor() as cursor:
        cursor.execute("begin; lock table core.app_day")
        with (
            explains(warehouse, "waiting for a lock", "pg_stat_activity", "pg_terminate_backend"),
            engine_at(warehouse).connect() as connection,
        ):
            connection.execute(text("set lock_timeout = 10"))
            connection.execute(text("select 1 from core.app_day"))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("53100", "no space left on its disk"),
        ("53200", "out of memory"),
        ("40P01", "blocked each other"),
        ("58030", "docs/operations/backup.md"),
        ("XX001", "docs/operations/backup.md"),
    ],
)
def test_errors_that_cannot_be_provoked_are_explained_by_sqlstate(
    module_warehouse: Warehouse, code: str, sentence: str
) -> None:
    with explains(module_warehouse, sentence), engine_at(module_warehouse).connect() as connection:
        raise_with(connection, code)


@pytest.mark.parametrize("code", ["23505", "22012", "XX000"])
def test_an_internal_error_is_not_translated(module_warehouse: Warehouse, code: str) -> None:
    with (
        pytest.raises(DBAPIError),
        explaining_db_errors("connection agora_warehouse"),
        engine_at(module_warehouse).connect() as connection,
    ):
        raise_with(connection, code)


def test_errors_raised_by_psycopg2_are_also_explained(module_warehouse: Warehouse) -> None:
    """COPY bypasses SQLAlchemy."""
    with explains(module_warehouse, "does not permit"), engine_at(module_warehouse).connect() as connection:
        connection.connection.cursor().execute("truncate core.app_day")
    with explains(module_warehouse, "does not respond, or closed the connection"):
        raise psycopg2.InterfaceError("connection already closed")


def raise_with(connection: Connection, code: str) -> None:
    connection.execute(
        text(f"do $$ begin raise exception 'raised by the test' using errcode = '{code}'; end $$")
    )


# The connection that every task uses.


def connection_to(warehouse: Warehouse, password: str, **fields: object) -> str:
    return json.dumps(
        {
            **fields,
            "conn_type": "postgres",
            "host": warehouse.server.host,
            "port": warehouse.server.port,
            "schema": warehouse.database,
            "login": "loader",
            "password": password,
        }
    )


@pytest.mark.parametrize(
    ("password", "message"),
    [
        (SECRET, "connection agora_warehouse, loader@127.0.0.1:"),
        (None, "may lose acknowledged commits"),
    ],
    ids=["a wrong password", "a server that is not durable"],
)
def test_an_unusable_warehouse_connection_in_a_task_is_explained(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, password: str | None, message: str
) -> None:
    given = connection_to(warehouse, password or warehouse.server.passwords["loader"])
    monkeypatch.setenv("AIRFLOW_CONN_AGORA_WAREHOUSE", given)
    with (
        pytest.raises(WarehouseError, match=message) as raised,
        warehouse_of_connection() as engine,
        engine.connect(),
    ):
        pass
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "name", ["cursor", "iam", "search_path", "cursor_factory", "dsn", "a b", "host=x y", ""]
)
def test_an_extra_that_is_not_a_parameter_is_named(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    extra = {"sslmode": "disable", "target_session_attrs": "any", name: SECRET}
    given = connection_to(warehouse, warehouse.server.passwords["loader"], extra=extra)
    monkeypatch.setenv("AIRFLOW_CONN_AGORA_WAREHOUSE", given)
    sentence = re.escape(
        f"connection agora_warehouse is not usable: PostgreSQL has no connection parameter {name!r}. "
    )
    with pytest.raises(SettingsError, match=sentence) as raised, warehouse_of_connection() as engine:
        engine.connect()
    assert SECRET not in str(raised.value)


# The command line.


def migrate_from_the_shell(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agora.warehouse.migrations"],
        env={"PYTHONPATH": str(ROOT / "plugins"), "AGORA_WAREHOUSE_OWNER_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_migrating_refuses_a_server_that_may_lose_commits(module_warehouse: Warehouse) -> None:
    done = migrate_from_the_shell(module_warehouse.url("owner"))
    assert done.returncode == 1
    assert "may lose acknowledged commits: fsync is off" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("password", ["sec@ret", "sec@ret/more", "[sec", "sec%ret"])
def test_an_unquoted_password_in_the_url_is_not_shown(password: str) -> None:
    done = migrate_from_the_shell(f"postgresql://owner:{password}@127.0.0.1:{free_port()}/warehouse")
    assert done.returncode == 1
    assert "sec" not in done.stderr
    assert "ret" not in done.stderr
    assert "Traceback" not in done.stderr
