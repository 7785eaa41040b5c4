"""The warehouse's connection, turned into an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook

if TYPE_CHECKING:
    from sqlalchemy import Engine

WAREHOUSE_CONN_ID = "agora_warehouse"


def engine_of(conn_id: str = WAREHOUSE_CONN_ID) -> Engine:
    """Return an engine for a connection of type `postgres`; it connects when first used."""
    from sqlalchemy.engine import URL

    from agora.warehouse.engine import warehouse_engine

    connection = BaseHook.get_connection(conn_id)
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
    return warehouse_engine(url)
