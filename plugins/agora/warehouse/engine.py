"""Connections to the warehouse."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import ConnectionInfo
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect, make_url

from agora.errors import WarehouseError
from agora.warehouse.login_errors import refusal

OLDEST_SERVER = 180000
# What every transaction relies on. It is set for the transaction alone: no default of a server, a database
# or a role undoes it, and the next user of a pooler's session inherits nothing.
PINNED = "; ".join(
    f"set local {name} = {value}"
    for name, value in {
        "timezone": "'UTC'",
        # A frozen task keeps no lock for ever.
        "lock_timeout": "'60s'",
        "statement_timeout": "'600s'",
        "idle_in_transaction_session_timeout": "'20min'",
        "transaction_timeout": "0",
        # Numbers, arrays and dates as text are read back as what they were.
        "extra_float_digits": "1",
        "array_nulls": "on",
        "datestyle": "'ISO, MDY'",
        "intervalstyle": "'postgres'",
        "bytea_output": "'hex'",
        "standard_conforming_strings": "on",
        "transform_null_equals": "off",
        # Nothing of anybody's own is found by an unqualified name.
        "search_path": "pg_catalog, pg_temp",
    }.items()
)


def warehouse_engine(url: str | URL) -> Engine:
    """Return an engine on psycopg2: transactions are `read committed`, in UTC, and do not hang for ever.

    A transaction sets what it relies on at its start (PINNED); in autocommit a caller has to do so itself.

    Args:
        url: Any PostgreSQL address; its driver part is replaced. A bare `postgresql://` would otherwise
            mean another driver, without the COPY that the loader needs.

    Raises:
        WarehouseError: At connecting: the server is older than PostgreSQL 18, or the database is not in UTF8.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=2,
        pool_pre_ping=True,  # a server, a pooler or a firewall may have ended an idle session
        isolation_level="READ COMMITTED",
        # Only parameters that every pooler takes: PgBouncer refuses `options`.
        connect_args={
            "application_name": "agora",
            "client_encoding": "UTF8",
            "connect_timeout": 15,
            # A server that vanished is noticed within a minute and a half, instead of two hours.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": 90_000,  # milliseconds
        },
    )
    event.listen(engine, "begin", _pin)
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(dialect: Dialect, _record: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    with refusal(named):
        connection = dialect.connect(*arguments, **named)
    try:
        _require_server(connection.info)
    except WarehouseError:
        connection.close()
        raise
    return connection


def _require_server(server: ConnectionInfo) -> None:
    if server.server_version < OLDEST_SERVER:
        raise WarehouseError(
            f"The warehouse runs PostgreSQL {server.server_version // 10000}; PostgreSQL 18 or newer is"
            " needed (daily figures are generated with array_sort, which came with 18)."
        )
    if (encoding := server.parameter_status("server_encoding")) != "UTF8":
        raise WarehouseError(
            f"The warehouse's database has the encoding {encoding}; UTF8 is needed, for app names and the"
            " vendor's words. Create it again with `createdb --encoding UTF8 --template template0`."
        )


def _pin(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    if driver is not None and not driver.autocommit:
        with driver.cursor() as cursor:
            cursor.execute(PINNED)
