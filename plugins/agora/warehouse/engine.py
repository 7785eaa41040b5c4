"""Creates SQLAlchemy engines for the warehouse."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import ConnectionInfo
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect, make_url

from agora.errors import WarehouseError
from agora.warehouse.login_errors import adding_sqlstate

OLDEST_SERVER = 180000
# Settings for every transaction. They override the defaults of the server, the database and the role. The
# next user of a pooled session does not inherit them.
TRANSACTION_SETTINGS = "; ".join(
    f"set local {name} = {value}"
    for name, value in {
        "timezone": "'UTC'",
        # A frozen task must not hold its locks forever.
        "lock_timeout": "'60s'",
        "statement_timeout": "'600s'",
        "idle_in_transaction_session_timeout": "'20min'",
        "transaction_timeout": "0",
        # Converting numbers, arrays and dates to text loses nothing.
        "extra_float_digits": "1",
        "array_nulls": "on",
        "datestyle": "'ISO, MDY'",
        "intervalstyle": "'postgres'",
        "bytea_output": "'hex'",
        "standard_conforming_strings": "on",
        "transform_null_equals": "off",
        # Unqualified names never resolve to user-defined objects.
        "search_path": "pg_catalog, pg_temp",
    }.items()
)


def warehouse_engine(url: str | URL) -> Engine:
    """Return a psycopg2 engine whose transactions are `read committed`, use UTC and have time limits.

    Each transaction starts with TRANSACTION_SETTINGS. In autocommit mode, the caller applies the settings.

    Args:
        url: URL of a PostgreSQL database. Its driver is replaced with psycopg2, whose COPY the loader needs.

    Raises:
        WarehouseError: Raised on connecting if the server is older than PostgreSQL 18 or if the database's
            encoding is not UTF8.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=2,
        pool_pre_ping=True,  # the server, a pooler or a firewall may have ended an idle session
        isolation_level="READ COMMITTED",
        # Every pooler accepts these parameters. PgBouncer refuses `options`.
        connect_args={
            "application_name": "agora",
            "client_encoding": "UTF8",
            "connect_timeout": 15,
            # Detect a vanished server within a minute and a half instead of two hours.
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
