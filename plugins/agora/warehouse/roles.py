"""Creates the roles and databases of a PostgreSQL server."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import errors, extensions, sql

from agora.resources import SQL
from agora.warehouse.login_errors import adding_sqlstate

SUPERUSER = "postgres"
ROLES = ("owner", "loader", "analyst", "airflow")
SETUP = SQL / "setup"
# PostgreSQL grants both privileges to everyone. A login that may not revoke them only receives a warning.
IS_PUBLIC = "select has_database_privilege('public', %s, 'connect, temporary')"
NOT_A_MEMBER = "select not (pg_has_role(%(role)s, 'usage') and pg_has_role(%(role)s, 'set'))"

log = logging.getLogger(__name__)


@contextmanager
def connect(host: str, port: int, role: str, password: str, database: str) -> Iterator[extensions.connection]:
    """Open a connection for a `with` block, in autocommit mode, which `create database` requires."""
    parameters: dict[str, Any] = {
        "host": host,
        "port": port,
        "user": role,
        "password": password,
        "dbname": database,
    }
    with adding_sqlstate(parameters):
        connection = psycopg2.connect(**parameters, connect_timeout=5)
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def create_roles(connection: extensions.connection, passwords: Mapping[str, str]) -> None:
    """Create missing roles, set all passwords, and close the maintenance databases to other roles.

    Settings that the login may not change are logged as warnings.

    Args:
        connection: Connection as a superuser, or as a login with CREATEROLE and CREATEDB.
        passwords: Password of each role.
    """
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = 'airflow'")
        if cursor.fetchone() is None:
            cursor.execute("create role airflow login")
        _run(connection, "roles.sql")
        for role in ROLES:
            _set_password(cursor, connection, role, passwords[role])
        for database in ("postgres", "template1"):
            _close(cursor, database)


def create_database(
    connection: extensions.connection,
    name: str,
    owner: str,
    *,
    is_warehouse: bool,
    template: str | None = None,
) -> None:
    """Create a database unless it exists, and let only this product's roles connect to it."""
    parts = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(NOT_A_MEMBER, {"role": owner})
            if cursor.fetchone() == (True,):
                cursor.execute(sql.SQL("grant {owner} to current_user").format(**parts))
            statement = sql.SQL("create database {name} owner {owner}").format(**parts)
            if template:
                # The default strategy writes the database to the write-ahead log, which takes twice as long.
                statement += sql.SQL(" template {} strategy file_copy").format(sql.Identifier(template))
            cursor.execute(statement)
        _close(cursor, name)
        cursor.execute(sql.SQL("alter database {name} set timezone to 'UTC'").format(**parts))
    if is_warehouse:
        server = connection.info
        with connect(server.host, server.port, server.user, server.password, name) as inside:
            _run(inside, "database.sql")


def create_all(connection: extensions.connection, passwords: Mapping[str, str]) -> None:
    """Create the missing roles and databases."""
    create_roles(connection, passwords)
    create_database(connection, "airflow", "airflow", is_warehouse=False)
    create_database(connection, "warehouse", "owner", is_warehouse=True)


def _run(connection: extensions.connection, file: str) -> None:
    """Run a file from `sql/setup` and log each warning it raises."""
    connection.notices.clear()
    with connection.cursor() as cursor:
        cursor.execute((SETUP / file).read_text("utf-8"))
    # A notice starts with its severity in the server's language.
    for notice in connection.notices:
        log.warning("sql/setup/%s: %s", file, " ".join(notice.partition(":")[2].split()))


def _close(cursor: extensions.cursor, database: str) -> None:
    with suppress(errors.InsufficientPrivilege):
        cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
    cursor.execute(IS_PUBLIC, (database,))
    if cursor.fetchone() == (True,):
        log.warning("Everyone who can log in to this server can connect to the database %s.", database)


def _set_password(
    cursor: extensions.cursor, connection: extensions.connection, role: str, password: str
) -> None:
    # The server receives only a verifier, so none of its logs can contain the password.
    verifier = extensions.encrypt_password(password, role, connection, "scram-sha-256")
    cursor.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(verifier)))
