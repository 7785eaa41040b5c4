"""The pace of a vendor account's requests, one row an account, locked for an instant at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from agora.warehouse.engine import TRANSACTION_SETTINGS

_ROW = text(
    "insert into core.request_pace (conn_id, state) values (:conn_id, 'null')"
    " on conflict (conn_id) do nothing"
)
# One text for the server, so that an exchange takes two round trips. A process that is halted in between must
# not hold up the account's other processes for long, and a pace that a crash of the server loses is learned
# again. The clock is read when the row is locked, not before waiting for it.
_BEGIN = f"begin isolation level read committed; {TRANSACTION_SETTINGS}"
_SHORTLY = "set local idle_in_transaction_session_timeout = '10s'; set local synchronous_commit = off"
_LOCKED = (
    "with locked as materialized ("
    "select state from core.request_pace where conn_id = :conn_id for update"
    ") select state, extract(epoch from clock_timestamp())::float8 from locked"
)
_LOCK = text(f"{_BEGIN}; {_SHORTLY}; {_LOCKED}")
_KEEP = text("update core.request_pace set state = cast(:state as jsonb) where conn_id = :conn_id; commit")


def connect(engine: Engine, conn_id: str) -> Connection:
    """Return a connection of its own for `exchange`, to be closed by the caller; see that the row exists.

    Args:
        engine: To the warehouse, as the loader.
        conn_id: An account in core.vendor_account.
    """
    with engine.begin() as connection:
        connection.execute(_ROW, {"conn_id": conn_id})
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def exchange(
    connection: Connection,
    conn_id: str,
    change: Callable[[dict[str, Any] | None, float], dict[str, Any]],
) -> None:
    """Replace the account's state by what `change` makes of it, in one transaction.

    Args:
        connection: From `connect`.
        conn_id: The account.
        change: Given the state (None at first) and the database's time in seconds since 1970; returns the
            new state.
    """
    try:
        state, now = connection.execute(_LOCK, {"conn_id": conn_id}).one()
        changed = change(state, now)
        connection.execute(_KEEP, {"conn_id": conn_id, "state": json.dumps(changed)})
    except BaseException:
        with suppress(DBAPIError):  # where the session has ended, its transaction has, too
            connection.execute(text("rollback"))
        raise
