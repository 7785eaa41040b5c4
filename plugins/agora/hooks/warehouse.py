"""The warehouse's connection, turned into an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from agora.errors import SettingsError

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import Engine

WAREHOUSE_CONN_ID = "agora_warehouse"


@contextmanager
def warehouse(conn_id: str = WAREHOUSE_CONN_ID) -> Iterator[Engine]:
    """Give an engine for a connection of type `postgres` for the length of a `with`; it connects when used.

    Raises:
        SettingsError: There is no such connection.
        WarehouseError: The server may lose what it acknowledges; or whatever the database refuses inside the
            `with`, said in words.
    """
    from agora.warehouse.trouble import explained

    connection = _connection(conn_id)
    engine = _engine(connection)
    address = f"{connection.login}@{connection.host}:{connection.port or 5432}/{connection.schema}"
    try:
        with explained(f"connection {conn_id}, {address}"):
            yield engine
    finally:
        engine.dispose()


def _connection(conn_id: str) -> Connection:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SettingsError(
            f"There is no connection {conn_id}: create it under Admin, Connections, with the type Postgres"
            " and the login loader."
        ) from None


def _engine(connection: Connection) -> Engine:
    from sqlalchemy.engine import URL

    from agora.warehouse.durable import require_durable
    from agora.warehouse.engine import warehouse_engine

    url = URL.create(
        "postgresql",
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        # Such as sslmode and sslrootcert.
        query={name: value for name, value in connection.extra_dejson.items() if isinstance(value, str)},
    )
    return require_durable(warehouse_engine(url))
