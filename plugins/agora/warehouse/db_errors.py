"""Explains database errors and their remedies."""

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
    "No collected data is lost: committed data stays, and the next attempt or run requests the rest."
)


class Meaning(NamedTuple):
    """The explanation of a database error.

    Attributes:
        what: Predicate of a sentence whose subject is the warehouse.
        advice: How to fix the error.
    """

    what: str
    advice: str


UNREACHABLE = Meaning(
    "does not respond, or closed the connection",
    "Check that the server is running and that the connection's host and port are correct. A connection"
    " pooler must use transaction or session pooling, not statement pooling.",
)
NOT_READY = Meaning("is being stopped or started", "Wait until the server is up.")
FULL = Meaning(
    "accepts no more connections",
    "Find the open connections in pg_stat_activity, or raise max_connections or the role's connection limit.",
)
NOT_MIGRATED = Meaning(
    "lacks a table, column or function of this version",
    "Run `python -m agora.warehouse.migrations` with the owner's address in AGORA_WAREHOUSE_OWNER_URL.",
)
LOCKED = Meaning(
    "kept a statement waiting for a lock for too long",
    "Find the session that holds the lock with `select pid, usename, xact_start, query from pg_stat_activity"
    " order by 3`, and end the session with `select pg_terminate_backend(pid)`.",
)
OUT_OF_TIME = Meaning(
    "ended a statement or transaction that took too long",
    "Check pg_stat_activity for other queries that keep the server busy.",
)
DAMAGED = Meaning(
    "cannot read or write its files",
    "Check the server's log and disk immediately. docs/operations/backup.md explains how to restore.",
)

# Only the error's detail names the dependent objects.
DEPENDED_ON = "2BP01"
# Keys are SQLSTATEs, or their first two or three characters.
BY_CODE = {
    "08": UNREACHABLE,
    "57P": NOT_READY,
    "57P05": Meaning(
        "ends idle sessions",
        "Run sql/setup/roles.sql as the administrator. It sets the role's idle_session_timeout.",
    ),
    "3F000": NOT_MIGRATED,
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "42883": NOT_MIGRATED,
    DEPENDED_ON: Meaning(
        "has user-defined objects that depend on objects to be replaced",
        "Drop the objects named in the message, repeat the migration, and then recreate the objects.",
    ),
    "42501": Meaning(
        "does not permit the role to perform an operation that a run needs",
        "Use the role loader in the connection. docs/security.md lists its rights.",
    ),
    "25006": Meaning(
        "is read-only",
        "Connect to the primary server, not to a standby. If the server is the primary,"
        " default_transaction_read_only is on. Many providers set it when the disk is full.",
    ),
    "53100": Meaning(
        "has no space left on its disk",
        "Enlarge the disk. Never delete anything in the data directory, least of all in pg_wal.",
    ),
    "53200": Meaning("is out of memory", "Give the server more memory, or lower its work_mem."),
    "53300": FULL,
    "55P03": LOCKED,
    "57014": OUT_OF_TIME,
    "25P03": OUT_OF_TIME,
    "25P04": OUT_OF_TIME,
    "40": Meaning("ended one of two transactions that blocked each other", "No action is needed."),
    "58": DAMAGED,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}

# Explanations of refused connections, by SQLSTATE.
REFUSED = {
    "28P": Meaning("refuses the login or the password", "Correct them in the connection."),
    "28": Meaning(
        "does not let the role log in from this host",
        "Check that the role exists and may log in. Allow the role in the server's pg_hba.conf, or set"
        " sslmode in the connection's extra.",
    ),
    "3D": Meaning(
        "has no such database",
        "Correct the connection's schema, which is the name of the database, or create the database.",
    ),
    "42501": Meaning(
        "does not let the role connect to the database",
        "Run sql/setup/database.sql in the database as its administrator.",
    ),
    # PgBouncer reports every refusal with this code.
    "08P01": Meaning(
        "is behind a pooler, which refuses the connection",
        "Correct the named setting in the connection or in the pooler's configuration.",
    ),
    "53300": FULL,
    "57P": NOT_READY,
}

# Client-side errors have no SQLSTATE, but libpq's own messages are never translated.
BY_MESSAGE = {
    "no password supplied": REFUSED["28P"],
    # Sent by a pooler, or by a server that refused only the first of two logins.
    "FATAL:": Meaning(
        "refuses the connection", "Correct the named setting on the server or in the connection."
    ),
    "certificate|SSL is not|does not support SSL": Meaning(
        "was rejected, because its certificate or its TLS does not meet the requirements of sslmode",
        "Correct the server's certificate, or sslmode and sslrootcert in the connection's extra.",
    ),
}


@contextmanager
def explaining_db_errors(warehouse: str, by_code: Mapping[str, Meaning] = BY_CODE) -> Iterator[None]:
    """Turn database errors with a known remedy into WarehouseError. Other errors pass unchanged.

    Args:
        warehouse: Display name of the connection, without secrets.
        by_code: Explanations by SQLSTATE.

    Raises:
        WarehouseError: Explains what happened and what to do.
    """
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        cause = _original(error.orig if isinstance(error, DBAPIError) else error)
        meaning = _meaning(cause, by_code)
        if meaning is None:
            raise
        message = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        if isinstance(cause, psycopg2.Error) and cause.pgcode == DEPENDED_ON:
            message = f"{message} ({'; '.join((cause.diag.message_detail or '').splitlines())})"
        raise WarehouseError(
            f"The warehouse ({warehouse}) {meaning.what}: {message}. {meaning.advice} {NOTHING_LOST}"
        ) from error


def _original(error: BaseException | None) -> BaseException | None:
    """Return the error that broke a connection or transaction, not a later error that followed from it."""
    while isinstance(error, psycopg2.InterfaceError | InFailedSqlTransaction) and isinstance(
        error.__context__, psycopg2.Error
    ):
        error = error.__context__
    return error


def _meaning(error: BaseException | None, by_code: Mapping[str, Meaning]) -> Meaning | None:
    if refused := getattr(error, "sqlstate", None):
        return _by_code(refused, REFUSED)
    if code := getattr(error, "pgcode", None):
        return _by_code(code, by_code)
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return None
    return next(
        (meaning for pattern, meaning in BY_MESSAGE.items() if re.search(pattern, str(error))), UNREACHABLE
    )


def _by_code(code: str, by_code: Mapping[str, Meaning]) -> Meaning | None:
    return next((by_code[code[:size]] for size in (5, 3, 2) if code[:size] in by_code), None)
