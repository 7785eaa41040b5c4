"""Holds the warehouse still for an upgrade: whoever loads or reads waits, and no transaction is broken."""

from __future__ import annotations

import logging
import time

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

# Shorter than loaders wait for a lock: those that queued up behind us go on if we give up.
PATIENCE_SECONDS = 50
VERSION_TABLE = """
create table if not exists public.warehouse_version (
    version_num varchar(32) not null, constraint warehouse_version_pkc primary key (version_num)
)
"""
ALONE = "lock table public.warehouse_version in share row exclusive mode"
RELATIONS = """
select quote_ident(schemaname) || '.' || quote_ident(tablename) as name, true as is_table from pg_tables
where schemaname in ('core', 'raw')
union all
select quote_ident(schemaname) || '.' || quote_ident(viewname), false from pg_views
where schemaname in ('core', 'mart')
order by is_table desc, name
"""
# Where a view is in the way.
A_MOMENT_SECONDS = 0.1

log = logging.getLogger(__name__)


def be_the_only_upgrade(connection: Connection) -> None:
    """Wait for another upgrade, however long it takes, and keep others waiting until the transaction ends."""
    connection.execute(text("set local lock_timeout = 0"))
    try:
        with connection.begin_nested():
            connection.execute(text(VERSION_TABLE))
    except IntegrityError:
        pass  # The first upgrade of all was at work, and is done.
    try:
        with connection.begin_nested():
            connection.execute(text(f"{ALONE} nowait"))
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        log.info("Another upgrade is at work: waiting for its end.")
        connection.execute(text(ALONE))


def hold(connection: Connection) -> None:
    """Lock every table and view until the transaction ends, without ever waiting while holding another.

    A loader that holds one table and wants the next would otherwise wait for us, and we for it; so would who
    reads a view that is to be replaced, and waits for its tables.

    Raises:
        OperationalError: Somebody held one for too long.
    """
    relations = list(connection.execute(text(RELATIONS)))
    deadline = time.monotonic() + PATIENCE_SECONDS
    in_the_way = relations[0]
    while True:
        left_ms = max(1, int(1000 * (deadline - time.monotonic())))
        connection.execute(text(f"set local lock_timeout = {left_ms}"))
        try:
            with connection.begin_nested():
                if in_the_way.is_table:
                    connection.execute(text(f"lock table {in_the_way.name} in access exclusive mode"))
                for relation in relations:
                    in_the_way = relation
                    connection.execute(text(f"lock table {relation.name} in access exclusive mode nowait"))
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or time.monotonic() > deadline:
                raise
            if not in_the_way.is_table:
                # To lock a view is to lock its tables after it: waiting for those would hold the view.
                time.sleep(A_MOMENT_SECONDS)
        else:
            return
