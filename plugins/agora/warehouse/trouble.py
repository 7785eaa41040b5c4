"""What a database error means to whoever runs this: what happened, what to do, and that nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
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
    "See that the server runs, and that the connection's host and port are right.",
)
NOT_READY = Meaning("is being stopped or started", "Wait until the server is up.")
FULL = Meaning(
    "takes no more connections",
    "Find out who holds them, in pg_stat_activity; raise max_connections or the role's connection limit.",
)
NOT_MIGRATED = Meaning(
    "lacks a table, column or function of this version",
    "Run `python -m agora.warehouse.migrate` with the owner's address in AGORA_WAREHOUSE_OWNER_URL.",
)
LOCKED = Meaning(
    "kept a statement waiting for a lock for too long",
    "Find who holds it with `select pid, usename, xact_start, query from pg_stat_activity order by 3` and end"
    " that session with `select pg_terminate_backend(pid)`.",
)
OUT_OF_TIME = Meaning(
    "ended a statement or transaction that took too long",
    "See what else keeps the server busy; if nothing does, raise the role's statement_timeout.",
)
DAMAGED = Meaning(
    "cannot read or write its files",
    "Look into the server's log and at its disk at once. How to restore: docs/operations/backup.md.",
)

# By SQLSTATE, or by its class where that has one meaning.
BY_CODE = {
    "08": UNREACHABLE,
    "57P": NOT_READY,
    "3F000": NOT_MIGRATED,
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "42883": NOT_MIGRATED,
    "2BP01": Meaning(
        "has something of somebody's own that stands on what is to be replaced",
        "Drop what the message names, migrate again, and make it anew.",
    ),
    "42501": Meaning(
        "does not permit the role what a run has to do",
        "Let the connection log in as the role loader; what it may do is in docs/security.md.",
    ),
    "25006": Meaning(
        "is read-only",
        "Let the connection name the primary server, not a standby, and the role loader.",
    ),
    "53100": Meaning(
        "has no space left on its disk",
        "Give it space; never delete anything in the data directory, pg_wal least of all.",
    ),
    "53200": Meaning("is out of memory", "Give the server more, or lower its work_mem."),
    "53300": FULL,
    "55P03": LOCKED,
    "57014": OUT_OF_TIME,
    "25P": OUT_OF_TIME,
    "40": Meaning("ended one of two transactions that blocked each other", "Nothing has to be done."),
    "58": DAMAGED,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}

# A refused connection carries no code, only the server's words.
BY_WORDS = {
    "password authentication failed|no password supplied": Meaning(
        "refuses the login or the password", "Mend them in the connection."
    ),
    'database ".*" does not exist': Meaning(
        "has no such database", "Mend the connection's schema, which is the database's name, or create it."
    ),
    "permission denied for database": Meaning(
        "does not let the role into the database", "Run sql/setup/database.sql in it, as a superuser."
    ),
    "too many (clients|connections)|connection slots": FULL,
    "starting up|shutting down|not (yet )?accepting|recovery": NOT_READY,
    "no pg_hba.conf entry|no encryption": Meaning(
        "does not let the role in from here",
        "Let pg_hba.conf of the server allow it, or set sslmode in the connection's extra.",
    ),
    "certificate|SSL is not|does not support SSL": Meaning(
        "is refused, its certificate or its TLS is not what sslmode asks for",
        "Mend the server's certificate, or sslmode and sslrootcert in the connection's extra.",
    ),
}


@contextmanager
def explained(warehouse: str, by_code: Mapping[str, Meaning] = BY_CODE) -> Iterator[None]:
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
        raise WarehouseError(
            f"The warehouse ({warehouse}) {meaning.what}: {said}. {meaning.advice} {NOTHING_LOST}"
        ) from error


def _first(error: BaseException | None) -> BaseException | None:
    """Return the error that broke a connection, where another one only says that it is closed by now."""
    while isinstance(error, psycopg2.InterfaceError) and isinstance(error.__context__, psycopg2.Error):
        error = error.__context__
    return error


def _meaning(error: BaseException | None, by_code: Mapping[str, Meaning]) -> Meaning | None:
    code = getattr(error, "pgcode", None)
    if code:
        return next((by_code[code[:size]] for size in (5, 3, 2) if code[:size] in by_code), None)
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return None
    return next((meaning for words, meaning in BY_WORDS.items() if re.search(words, str(error))), UNREACHABLE)
