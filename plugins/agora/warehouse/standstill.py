"""Holds the warehouse still for an upgrade: whoever loads or reads waits, and no transaction is broken."""

from __future__ import annotations

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
TABLES = """
select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
where schemaname in ('core', 'raw') order by schemaname, tablename
"""


def be_the_only_upgrade(connection: Connection) -> None:
    """Wait until no other upgrade is at work, and keep others waiting until the transaction ends."""
    connection.execute(text(f"set local lock_timeout = '{PATIENCE_SECONDS}s'"))
    try:
        with connection.begin_nested():
            connection.execute(text(VERSION_TABLE))
    except IntegrityError:
        pass  # The first upgrade of all was at work, and is done.
    connection.execute(text("lock table public.warehouse_version in share row exclusive mode"))


def hold(connection: Connection) -> None:
    """Lock every table until the transaction ends, without ever waiting for one while holding another.

    A loader that holds one table and wants the next would otherwise wait for us, and we for it.

    Raises:
        OperationalError: Somebody held a table for too long.
    """
    tables = list(connection.execute(text(TABLES)).scalars())
    deadline = time.monotonic() + PATIENCE_SECONDS
    in_the_way = tables[0]
    while True:
        try:
            with connection.begin_nested():
                connection.execute(text(f"lock table {in_the_way} in access exclusive mode"))
                for table in tables:
                    in_the_way = table
                    connection.execute(text(f"lock table {table} in access exclusive mode nowait"))
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or time.monotonic() > deadline:
                raise
        else:
            return
