"""Roles and databases of a PostgreSQL server: who exists, who owns what, who may connect where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import extensions, sql

SUPERUSER = "postgres"
ROLES = ("owner", "loader", "analyst", "airflow")
# What a server of one's own is prepared with too.
SETUP = Path(__file__).resolve().parents[3] / "sql" / "setup"


@contextmanager
def connect(host: str, port: int, role: str, password: str, database: str) -> Iterator[extensions.connection]:
    """Open a connection in autocommit, as `create database` needs, and close it at the end."""
    connection = psycopg2.connect(
        host=host, port=port, user=role, password=password, dbname=database, connect_timeout=5
    )
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def create_roles(connection: extensions.connection, passwords: Mapping[str, str]) -> None:
    """Create the roles that are absent, set every password, and close the maintenance databases to strangers.

    Args:
        connection: As the superuser.
        passwords: One a role.
    """
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = 'airflow'")
        if cursor.fetchone() is None:
            cursor.execute("create role airflow login")
        cursor.execute((SETUP / "roles.sql").read_text("utf-8"))
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
    """Create a database, unless it exists, to which only those can connect whom it concerns."""
    parts = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone() is None:
            statement = sql.SQL("create database {name} owner {owner}").format(**parts)
            if template:
                statement += sql.SQL(" template {}").format(sql.Identifier(template))
            cursor.execute(statement)
        _close(cursor, name)
        cursor.execute(sql.SQL("alter database {name} set timezone to 'UTC'").format(**parts))
    if is_warehouse:
        server = connection.info
        with (
            connect(server.host, server.port, server.user, server.password, name) as inside,
            inside.cursor() as cursor,
        ):
            cursor.execute((SETUP / "database.sql").read_text("utf-8"))


def create_all(connection: extensions.connection, passwords: Mapping[str, str]) -> None:
    """Create every role and both databases, as far as they are absent."""
    create_roles(connection, passwords)
    create_database(connection, "airflow", "airflow", is_warehouse=False)
    create_database(connection, "warehouse", "owner", is_warehouse=True)


def _close(cursor: extensions.cursor, database: str) -> None:
    cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def _set_password(
    cursor: extensions.cursor, connection: extensions.connection, role: str, password: str
) -> None:
    # The server sees a verifier only, so no log of it can hold the password.
    verifier = extensions.encrypt_password(password, role, connection, "scram-sha-256")
    cursor.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(verifier)))
