"""What a database error means to whoever runs this: what happened, what to do, and that nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
from psycopg2.errors import InFailedSqlTransaction
from sqlalchemy.exc import DBAPIError

from agora.errors import WarehouseError

NOTHING_LOST = (
    "Nothing collected is lost: what was committed stays, and the rest is asked for when the task is tried"
    " again, or by the next run."
)


class Meaning(NamedTuple):
    """What an error says about the warehouse, and what to do about it."""

    what: str
    advice: str


UNREACHABLE = Meaning(
    "does not answer, or broke off",
    "See that the server runs, and that the connection's host and port are right. A pooler in between has to"
    " pool transactions or sessions, not statements.",
)
NOT_READY = Meaning("is being stopped or started", "Wait until the server is up.")
FULL = Meaning(
    "takes no more connections",
    "Find out who holds them, in pg_stat_activity; raise max_connections or the role's connection limit.",
)
NOT_MIGRATED = Meaning(
    "lacks a table, column or function of this version",
    "Run `python -m agora.warehouse.migrations` with the owner's address in AGORA_WAREHOUSE_OWNER_URL.",
)
LOCKED = Meaning(
    "kept a statement waiting for a lock for too long",
    "Find who holds it with `select pid, usename, xact_start, query from pg_stat_activity order by 3` and end"
    " that session with `select pg_terminate_backend(pid)`.",
)
OUT_OF_TIME = Meaning(
    "ended a statement or transaction that took too long",
    "See in pg_stat_activity what else keeps the server busy.",
)
DAMAGED = Meaning(
    "cannot read or write its files",
    "Look into the server's log and at its disk at once. How to restore: docs/operations/backup.md.",
)

# Only the detail names the objects.
DEPENDED_ON = "2BP01"
# By SQLSTATE, or by its class where that has one meaning.
BY_CODE = {
    "08": UNREACHABLE,
    "57P": NOT_READY,
    "57P05": Meaning(
        "ends sessions that do nothing for a moment",
        "Run sql/setup/roles.sql as the administrator: it sets idle_session_timeout of the role.",
    ),
    "3F000": NOT_MIGRATED,
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "42883": NOT_MIGRATED,
    DEPENDED_ON: Meaning(
        "has something of somebody's own that stands on what is to be replaced",
        "Drop what the message names, migrate again, and make it anew.",
    ),
    "42501": Meaning(
        "does not permit the role what a run has to do",
        "Let the connection log in as the role loader; what it may do is in docs/security.md.",
    ),
    "25006": Meaning(
        "is read-only",
        "Let the connection name the primary server, not a standby. If it does, default_transaction_read_only"
        " is on: many providers set it when the disk is full.",
    ),
    "53100": Meaning(
        "has no space left on its disk",
        "Give it space; never delete anything in the data directory, pg_wal least of all.",
    ),
    "53200": Meaning("is out of memory", "Give the server more, or lower its work_mem."),
    "53300": FULL,
    "55P03": LOCKED,
    "57014": OUT_OF_TIME,
    "25P03": OUT_OF_TIME,
    "25P04": OUT_OF_TIME,
    "40": Meaning("ended one of two transactions that blocked each other", "Nothing has to be done."),
    "58": DAMAGED,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}

# A connection that the server refuses, by SQLSTATE.
REFUSED = {
    "28P": Meaning("refuses the login or the password", "Correct them in the connection."),
    "28": Meaning(
        "does not let the role in from here",
        "See that the role exists and may log in; let pg_hba.conf of the server allow it, or set sslmode in"
        " the connection's extra.",
    ),
    "3D": Meaning(
        "has no such database", "Mend the connection's schema, which is the database's name, or create it."
    ),
    "42501": Meaning(
        "does not let the role into the database", "Run sql/setup/database.sql in it, as its administrator."
    ),
    # PgBouncer has only this code.
    "08P01": Meaning(
        "is behind a pooler, which refuses",
        "Correct what it names, in the connection or in the pooler's configuration.",
    ),
    "53300": FULL,
    "57P": NOT_READY,
}

# What fails on this side has no code; the words are libpq's own, which come without translations.
BY_WORDS = {
    "no password supplied": REFUSED["28P"],
    # Of a pooler, or of a server that refused only the first of two log-ins.
    "FATAL:": Meaning("refuses the connection", "Correct what it names, there or in the connection."),
    "certificate|SSL is not|does not support SSL": Meaning(
        "is refused, its certificate or its TLS is not what sslmode asks for",
        "Mend the server's certificate, or sslmode and sslrootcert in the connection's extra.",
    ),
}


@contextmanager
def explaining_db_errors(warehouse: str, by_code: Mapping[str, Meaning] = BY_CODE) -> Iterator[None]:
    """Turn database errors that somebody can mend into WarehouseError; a fault of our own stays what it is.

    Args:
        warehouse: Names the connection for people, without secrets.
        by_code: What SQLSTATEs mean to whoever is told.

    Raises:
        WarehouseError: Says what happened, what to do, and that nothing is lost.
    """
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        cause = _first(error.orig if isinstance(error, DBAPIError) else error)
        meaning = _meaning(cause, by_code)
        if meaning is None:
            raise
        said = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        if isinstance(cause, psycopg2.Error) and cause.pgcode == DEPENDED_ON:
            said = f"{said} ({'; '.join((cause.diag.message_detail or '').splitlines())})"
        raise WarehouseError(
            f"The warehouse ({warehouse}) {meaning.what}: {said}. {meaning.advice} {NOTHING_LOST}"
        ) from error


def _first(error: BaseException | None) -> BaseException | None:
    """Return the error that broke a connection or transaction, where another only says that it is broken."""
    while isinstance(error, psycopg2.InterfaceError | InFailedSqlTransaction) and isinstance(
        error.__context__, psycopg2.Error
    ):
        error = error.__context__
    return error


def _meaning(error: BaseException | None, by_code: Mapping[str, Meaning]) -> Meaning | None:
    if refused := getattr(error, "sqlstate", None):
        return _of(refused, REFUSED)
    if code := getattr(error, "pgcode", None):
        return _of(code, by_code)
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return None
    return next((meaning for words, meaning in BY_WORDS.items() if re.search(words, str(error))), UNREACHABLE)


def _of(code: str, by_code: Mapping[str, Meaning]) -> Meaning | None:
    return next((by_code[code[:size]] for size in (5, 3, 2) if code[:size] in by_code), None)
