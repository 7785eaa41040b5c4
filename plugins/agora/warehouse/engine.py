"""Creates engines for the warehouse."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import ConnectionInfo
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect, make_url

from agora.errors import WarehouseError
from agora.warehouse.login_errors import adding_sqlstate

OLDEST_SERVER = 180000
# Settings of every transaction. They override the defaults of the server, the database and the role. The next
# user of a pooled session does not inherit them.
TRANSACTION_SETTINGS = "; ".join(
    f"set local {name} = {value}"
    for name, value in {
        "timezone": "'UTC'",
        # A frozen task must not hold its locks for ever.
        "lock_timeout": "'60s'",
        "statement_timeout": "'600s'",
        "idle_in_transaction_session_timeout": "'20min'",
        "transaction_timeout": "0",
        # Numbers, arrays and dates survive their conversion to text.
        "extra_float_digits": "1",
        "array_nulls": "on",
        "datestyle": "'ISO, MDY'",
        "intervalstyle": "'postgres'",
        "bytea_output": "'hex'",
        "standard_conforming_strings": "on",
        "transform_null_equals": "off",
        # An unqualified name finds no user's object.
        "search_path": "pg_catalog, pg_temp",
    }.items()
)


def warehouse_engine(url: str | URL) -> Engine:
    """Return an engine on psycopg2 whose transactions are `read committed`, in UTC and bounded in time.

    Each transaction starts with the settings of TRANSACTION_SETTINGS. In autocommit the caller sets them.

    Args:
        url: Any PostgreSQL address. Its driver is replaced by psycopg2, whose COPY the loader needs.

    Raises:
        WarehouseError: When connecting: the server is older than PostgreSQL 18, or the database is not in
            UTF8.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=2,
        pool_pre_ping=True,  # a server, a pooler or a firewall may have ended an idle session
        isolation_level="READ COMMITTED",
        # Only parameters that every pooler accepts. PgBouncer refuses `options`.
        connect_args={
            "application_name": "agora",
            "client_encoding": "UTF8",
            "connect_timeout": 15,
            # Notice a vanished server within a minute and a half instead of two hours.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": 90_000,  # milliseconds
        },
    )
    event.listen(engine, "begin", _begin)
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(dialect: Dialect, _record: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    with adding_sqlstate(named):
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
            " required (daily figures use array_sort, which is new in 18)."
        )
    if (encoding := server.parameter_status("server_encoding")) != "UTF8":
        raise WarehouseError(
            f"The warehouse's database has the encoding {encoding}. UTF8 is required, for app names and the"
            " vendor's messages. Create it again with `createdb --encoding UTF8 --template template0`."
        )


def _begin(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    if driver is not None and not driver.autocommit:
        with driver.cursor() as cursor:
            cursor.execute(TRANSACTION_SETTINGS)
