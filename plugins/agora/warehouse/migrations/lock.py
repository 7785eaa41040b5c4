"""Locks the warehouse for an upgrade. Loaders and readers wait, and none of their transactions fails."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

# Shorter than the loaders' lock_timeout, so that loaders queued behind the upgrade continue if it gives up.
GIVE_UP_AFTER_SECONDS = 50
RETRY_VIEW_AFTER_SECONDS = 0.1
# The same table that Alembic creates.
VERSION_TABLE = """
create table if not exists public.warehouse_version (
    version_num varchar(32) not null, constraint warehouse_version_pkc primary key (version_num)
)
"""
LOCK_VERSION_TABLE = "lock table public.warehouse_version in share row exclusive mode"
RELATIONS = """
select quote_ident(schemaname) || '.' || quote_ident(tablename) as name, true as is_table from pg_tables
where schemaname in ('core', 'raw')
union all
select quote_ident(schemaname) || '.' || quote_ident(viewname), false from pg_views
where schemaname in ('core', 'mart')
order by is_table desc, name
"""

log = logging.getLogger(__name__)


def wait_for_other_upgrades(connection: Connection) -> None:
    """Wait until no other upgrade is running. Later upgrades wait until this transaction ends."""
    connection.execute(text("set local lock_timeout = 0"))
    with suppress(IntegrityError), connection.begin_nested():  # two concurrent first upgrades
        connection.execute(text(VERSION_TABLE))
    try:
        with connection.begin_nested():
            connection.execute(text(f"{LOCK_VERSION_TABLE} nowait"))
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        log.info("Another upgrade is running. Waiting until it ends.")
        connection.execute(text(LOCK_VERSION_TABLE))


def lock_tables_and_views(connection: Connection) -> None:
    """Lock every table and view until the transaction ends. Hold no lock while waiting for another.

    Waiting while holding a lock would deadlock with a loader that holds one table and needs the next.

    Raises:
        OperationalError: Another transaction held a lock for too long.
    """
    relations = list(connection.execute(text(RELATIONS)))
    deadline = time.monotonic() + GIVE_UP_AFTER_SECONDS
    relation = relations[0]
    while True:
        left_ms = max(1, int(1000 * (deadline - time.monotonic())))
        connection.execute(text(f"set local lock_timeout = {left_ms}"))
        try:
            with connection.begin_nested():
                if relation.is_table:
                    connection.execute(text(f"lock table {relation.name} in access exclusive mode"))
                for relation in relations:
                    connection.execute(text(f"lock table {relation.name} in access exclusive mode nowait"))
            return
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or time.monotonic() > deadline:
                raise
            if not relation.is_table:
                # Waiting would lock the view while PostgreSQL waits for the view's tables.
                time.sleep(RETRY_VIEW_AFTER_SECONDS)
