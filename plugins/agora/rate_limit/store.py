"""Store an account's rate-limit state in core.request_pace, one row per account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from agora.warehouse.engine import TRANSACTION_SETTINGS

_ROW = text("insert into core.request_pace values (:conn_id, 'null') on conflict (conn_id) do nothing")
# These statements are sent as one string, so that a change takes two round trips. The clock is read after
# the lock is granted. The timeout keeps a hanging process from holding the lock for long. A state that is
# lost in a server crash is learned again, so the commit need not be synchronous.
_BEGIN = f"begin isolation level read committed; {TRANSACTION_SETTINGS}; set local synchronous_commit = off"
_TIMEOUT = "set local idle_in_transaction_session_timeout = '10s'"
_LOCKED = (
    "with locked as materialized (select state from core.request_pace where conn_id = :conn_id for update)"
    " select state, extract(epoch from clock_timestamp())::float8 from locked"
)
_LOCK = text(f"{_BEGIN}; {_TIMEOUT}; {_LOCKED}")
_WRITE = text("update core.request_pace set state = cast(:state as jsonb) where conn_id = :conn_id; commit")


class LimitStore:
    """Rate-limit state of one account, as an asynchronous context manager that holds a loader connection."""

    def __init__(self, engine: Engine, conn_id: str) -> None:
        self._engine, self._conn_id = engine, conn_id
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rate_limit")  # changes never overlap

    async def __aenter__(self) -> LimitStore:
        try:
            self._connection: Connection = await self._in_thread(self._connect)
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._in_thread(self._connection.close)
        self._thread.shutdown()

    async def change(self, change: Callable[[Any, float], dict[str, Any]]) -> None:
        """Replace the state with `change(state, now)` in one transaction. `now` is the database's time."""
        await self._in_thread(lambda: self._change(change))

    def _connect(self) -> Connection:
        with self._engine.begin() as connection:
            connection.execute(_ROW, {"conn_id": self._conn_id})
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _change(self, change: Callable[[Any, float], dict[str, Any]]) -> None:
        try:
            state, now = self._connection.execute(_LOCK, {"conn_id": self._conn_id}).one()
            changed = json.dumps(change(state, now))
            self._connection.execute(_WRITE, {"conn_id": self._conn_id, "state": changed})
        except BaseException:
            with suppress(DBAPIError):  # a session that has ended needs no rollback
                self._connection.execute(text("rollback"))
            raise

    async def _in_thread(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
