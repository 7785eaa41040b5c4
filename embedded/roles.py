"""Roles and databases of a PostgreSQL server: who exists, who owns what, who may connect where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2 import extensions, sql

SUPERUSER = "postgres"
ROLES = ("owner", "loader", "analyst", "airflow")
WAREHOUSE_READERS = ("loader", "analyst")


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
    """Create the roles that are absent, and keep strangers out of the maintenance databases.

    Args:
        connection: As the superuser.
        passwords: One a role.
    """
    with connection.cursor() as cursor:
        cursor.execute("select rolname from pg_roles")
        known = {name for (name,) in cursor.fetchall()}
        for role in ROLES:
            if role not in known:
                _create_role(cursor, connection, role, passwords[role])
        cursor.execute("alter role analyst set default_transaction_read_only = on")
        for database in ("postgres", "template1"):
            cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def create_database(
    connection: extensions.connection,
    name: str,
    owner: str,
    *,
    readers: Sequence[str] = (),
    template: str | None = None,
) -> None:
    """Create a database, unless it exists, to which its owner and the readers alone can connect."""
    parts = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone() is None:
            statement = sql.SQL("create database {name} owner {owner}").format(**parts)
            if template:
                statement += sql.SQL(" template {}").format(sql.Identifier(template))
            cursor.execute(statement)
        cursor.execute(sql.SQL("revoke all on database {name} from public").format(**parts))
        cursor.execute(sql.SQL("alter database {name} set timezone to 'UTC'").format(**parts))
        for reader in readers:
            cursor.execute(
                sql.SQL("grant connect, temporary on database {name} to {reader}").format(
                    **parts, reader=sql.Identifier(reader)
                )
            )


def create_all(connection: extensions.connection, passwords: Mapping[str, str]) -> None:
    """Create every role and both databases, as far as they are absent."""
    create_roles(connection, passwords)
    create_database(connection, "airflow", "airflow")
    create_database(connection, "warehouse", "owner", readers=WAREHOUSE_READERS)


def _create_role(
    cursor: extensions.cursor, connection: extensions.connection, role: str, password: str
) -> None:
    # The server sees a verifier only, so no log of it can hold the password.
    verifier = extensions.encrypt_password(password, role, connection, "scram-sha-256")
    cursor.execute(
        sql.SQL("create role {} login nosuperuser nocreaterole nocreatedb password {}").format(
            sql.Identifier(role), sql.Literal(verifier)
        )
    )
