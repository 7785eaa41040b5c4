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

from agora.errors import WarehouseError
from agora.warehouse.engine import warehouse_engine

SQL = Path(__file__).resolve().parents[3] / "sql"
OLDEST_SERVER = 180000
ROLES = ("loader", "analyst")


def migrate(url: str) -> None:
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
            f"The warehouse's server has no role {' and '.join(missing)}: create them first, for example with"
            f" {' '.join(f'CREATE ROLE {role} LOGIN;' for role in missing)}"
        )


def _main() -> str | None:
    """Migrate what the environment names; return what went wrong."""
    url = os.environ.get("AGORA_WAREHOUSE_OWNER_URL")
    if not url:
        return "Set AGORA_WAREHOUSE_OWNER_URL to the warehouse's address as its owner: postgresql://owner:…@host/db"
    try:
        migrate(url)
    except WarehouseError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(_main())
