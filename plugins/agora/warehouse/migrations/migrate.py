"""Upgrades the schema. Alembic migrates the tables, then each view and function is created from its file."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from agora.errors import WarehouseError
from agora.warehouse.db_errors import BY_CODE, NOT_MIGRATED, Meaning, explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations import verify
from agora.warehouse.migrations.lock import lock_tables_and_views, wait_for_other_upgrades
from agora.warehouse.migrations.schema_version import SQL, describe, this_release
from agora.warehouse.owner import without_password

CREATED = re.compile(r"^create or replace (?:view|function) ([\w.]+)", re.MULTILINE)
MISSING = """
select from unnest(cast(:names as text[])) as name
where to_regclass(name) is null and to_regproc(name) is null
"""
STAMP = "select obj_description('public.warehouse_version'::regclass, 'pg_class')"
# Explanations of database errors during an upgrade, where they differ from those during a run.
MEANINGS = {
    **{code: meaning for code, meaning in BY_CODE.items() if meaning is not NOT_MIGRATED},
    "42501": Meaning("does not permit the role to upgrade the schema", "Log in as the role owner."),
    "42704": Meaning("lacks a role", "Run sql/setup/roles.sql as the administrator, and set the passwords."),
    "40": Meaning("ended one of two transactions that blocked each other", "Run the upgrade again."),
}
UNCHANGED = "Nothing was changed. The release that used the warehouse before the upgrade still works."

log = logging.getLogger(__name__)


def migrate(url: str | URL) -> None:
    """Create or upgrade all tables and views in one transaction. Commit it only if no data is lost.

    Args:
        url: SQLAlchemy URL of the warehouse, with the role owner.

    Raises:
        WarehouseError: The upgrade failed, and nothing was changed.
    """
    engine = warehouse_engine(url)
    try:
        # The SQL files contain unescaped % characters.
        with engine.execution_options(no_parameters=True).connect() as connection:
            with _or_unchanged(engine.url):
                # A migration may rewrite years of data.
                connection.execute(text("set local statement_timeout = 0"))
                wait_for_other_upgrades(connection)
                _upgrade(connection)
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def _or_unchanged(url: URL) -> Iterator[None]:
    warehouse = without_password(url)
    try:
        with explaining_db_errors(warehouse, MEANINGS):
            yield
    except WarehouseError as error:
        raise WarehouseError(f"{error.args[0]} {UNCHANGED}") from error
    except DBAPIError as error:
        message = " ".join(str(error.orig).split()).rstrip(".")
        raise WarehouseError(f"The warehouse ({warehouse}) reports: {message}. {UNCHANGED}") from error


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SQL / "migrations"))
    config.attributes["connection"] = connection
    current = connection.execute(text("select version_num from public.warehouse_version")).scalar()
    pending = _pending(ScriptDirectory.from_config(config), current)

    if current is None:
        _migrate_tables_and_create_views(connection, config)
        log.info("Created the schema of %s.", describe(pending[0].revision))
    elif pending or not _views_are_current(connection):
        if pending:
            log.info("Upgrading from %s to %s.", describe(current), describe(pending[0].revision))
        else:
            log.info("Recreating the views of %s.", describe(current))
        lock_tables_and_views(connection)
        before = verify.snapshot(connection)
        _migrate_tables_and_create_views(connection, config)
        after = verify.snapshot(connection)
        verify.require_nothing_lost(before, after, _changed_figures(pending))
        log.info("Verified that no data is lost (%s).", after)
    else:
        log.info("The schema is up to date with %s.", describe(current))


def _pending(scripts: ScriptDirectory, current: str | None) -> list[Script]:
    """Return the migrations that the warehouse lacks, newest first."""
    if current not in {None, *(script.revision for script in scripts.walk_revisions())}:
        raise WarehouseError(
            f"A newer release upgraded the warehouse to revision {current}. Release {this_release()} does not"
            " support it. Start the newer release, or restore a backup: docs/operations/upgrade.md."
        )
    return list(scripts.iterate_revisions("head", current or "base"))


def _changed_figures(migrations: list[Script]) -> set[str]:
    """Return the bill columns that the migrations change on purpose."""
    changed = {name for script in migrations for name in getattr(script.module, "changed_figures", ())}
    if changed:
        log.info("Bills of finished months may change (see CHANGELOG.md): %s.", ", ".join(sorted(changed)))
    return changed


def _migrate_tables_and_create_views(connection: Connection, config: Config) -> None:
    command.upgrade(config, "head")
    for view in _views():
        connection.exec_driver_sql(view)
    connection.exec_driver_sql(f"comment on table public.warehouse_version is '{_stamp()}'")


def upgrade_from_sql(migration: str) -> Callable[[], None]:
    """Return a migration's `upgrade` function, which runs the SQL file next to the migration."""

    def upgrade() -> None:
        connection = op.get_bind().execution_options(no_parameters=True)
        connection.exec_driver_sql(Path(migration).with_suffix(".sql").read_text("utf-8"))

    return upgrade


def _views_are_current(connection: Connection) -> bool:
    """Return whether all views and functions exist and come from this release's files."""
    names = CREATED.findall("\n".join(_views()))
    is_missing = connection.execute(text(MISSING), {"names": names}).first() is not None
    return not is_missing and connection.execute(text(STAMP)).scalar() == _stamp()


def _views() -> list[str]:
    return [path.read_text("utf-8") for path in sorted((SQL / "views").glob("*.sql"))]


def _stamp() -> str:
    """Return the comment that identifies the views. Views may change without a migration."""
    return f"Views of release {this_release()}, SHA-256 {sha256(''.join(_views()).encode()).hexdigest()}"
