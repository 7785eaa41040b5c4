"""Provide the warehouse connection as an SQLAlchemy engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agora.errors import SettingsError
from agora.hooks.connections import stored_connection

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import Engine

WAREHOUSE_CONN_ID = "agora_warehouse"


@contextmanager
def warehouse(conn_id: str = WAREHOUSE_CONN_ID) -> Iterator[Engine]:
    """Provide an engine for a connection of type `postgres`. The engine connects on first use.

    Raises:
        SettingsError: The connection does not exist, Airflow cannot decrypt it, or its extra has an unknown
            connection parameter.
        WarehouseError: The server may lose acknowledged commits, or the database raised an error inside the
            `with` block. The message explains the error.
    """
    from agora.warehouse.db_errors import explaining_db_errors

    connection = stored_connection(conn_id, "with the type Postgres and the login loader")
    engine = _engine(connection)
    address = f"{connection.login}@{connection.host}:{connection.port or 5432}/{connection.schema}"
    try:
        with explaining_db_errors(f"connection {conn_id}, {address}"):
            yield engine
    finally:
        engine.dispose()


def _engine(connection: Connection) -> Engine:
    from sqlalchemy.engine import URL

    from agora.warehouse.engine import warehouse_engine
    from agora.warehouse.server_checks import require_durable_server

    # Connection parameters, such as sslmode and sslrootcert.
    parameters = {name: value for name, value in connection.extra_dejson.items() if isinstance(value, str)}
    if unknown := [repr(name) for name in parameters if not _is_parameter(name)]:
        raise SettingsError(
            f"The connection {connection.conn_id} is not usable: PostgreSQL has no connection parameter"
            f" {' or '.join(unknown)}. Remove it from the connection's extra, or correct its spelling.",
            conn_id=connection.conn_id,
        )
    url = URL.create(
        "postgresql",
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query=parameters,
    )
    return require_durable_server(warehouse_engine(url))


def _is_parameter(name: str) -> bool:
    """Return whether libpq supports a connection parameter."""
    import psycopg2
    from psycopg2.extensions import parse_dsn

    try:
        return name in parse_dsn(f"{name}=x")
    except psycopg2.ProgrammingError:
        return False
