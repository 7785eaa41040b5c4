"""Brings the warehouse's schema up to date: Alembic for tables, then every view as its file says.

`AGORA_WAREHOUSE_OWNER_URL=postgresql://owner:…@host/warehouse python -m agora.warehouse.migrate`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agora.errors import WarehouseError
from agora.warehouse.durable import require_durable
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.trouble import explained

SQL = Path(__file__).resolve().parents[3] / "sql"
OLDEST_SERVER = 180000
ROLES = ("loader", "analyst")


def migrate(url: str | URL) -> None:
    """Create or upgrade schemas, tables and views, all in one transaction.

    Args:
        url: SQLAlchemy address of the warehouse as its owner.

    Raises:
        WarehouseError: The server is older than PostgreSQL 18 or lacks the roles.
    """
    engine = warehouse_engine(url)
    # Without parameters a per cent sign in SQL is just that.
    with engine.execution_options(no_parameters=True).begin() as connection:
        _require_server(connection)
        _require_roles(connection)
        # A migration may read every year there is.
        connection.execute(text("set local statement_timeout = 0"))
        config = Config()
        config.set_main_option("script_location", str(SQL / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for view in sorted((SQL / "views").glob("*.sql")):
            connection.exec_driver_sql(view.read_text(encoding="utf-8"))
    engine.dispose()


def _require_server(connection: Connection) -> None:
    version = int(connection.execute(text("show server_version_num")).scalar_one())
    if version < OLDEST_SERVER:
        raise WarehouseError(
            f"The warehouse runs PostgreSQL {version // 10000}; PostgreSQL 18 or newer is needed"
            " (daily figures are generated with array_sort, which came with 18)."
        )


def _require_roles(connection: Connection) -> None:
    known = set(connection.execute(text("select rolname from pg_roles")).scalars())
    missing = [role for role in ROLES if role not in known]
    if missing:
        raise WarehouseError(
            f"The warehouse's server has no role {' and '.join(missing)}: as a superuser, run"
            " sql/setup/roles.sql first and give each role its password."
        )


def _address(given: str) -> URL:
    """Read the owner's address; what cannot be read is not shown, for it holds the password.

    Raises:
        WarehouseError: It is no address, or one in which a character of the password is taken for its end.
    """
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    # Where an @ is left over, the password had one, and what follows it passed for the host.
    if url is None or "@" in f"{url.host}{url.database}":
        raise WarehouseError(
            "AGORA_WAREHOUSE_OWNER_URL is no address such as postgresql://owner:…@host:5432/warehouse. In the"
            " password @ is written %40, / %2F, : %3A and % %25."
        )
    return url


def _main() -> str | None:
    """Migrate what the environment names; return what went wrong."""
    given = os.environ.get("AGORA_WAREHOUSE_OWNER_URL")
    if not given:
        return "Set AGORA_WAREHOUSE_OWNER_URL to the warehouse's address as its owner: postgresql://owner:…@host/db"
    try:
        url = _address(given)
        with explained(f"{url.username}@{url.host}:{url.port or 5432}/{url.database}"):
            require_durable(warehouse_engine(url)).connect().close()
            migrate(url)
    except WarehouseError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(_main())
