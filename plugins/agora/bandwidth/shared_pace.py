"""One pace for all processes that ask on behalf of a vendor account, kept in the warehouse."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar, TypeVarTuple, Unpack
from uuid import uuid4

from sqlalchemy import Connection, Engine

from agora.client.dashboard import DashboardClient
from agora.settings import DashboardSettings
from agora.vendor.pace import BLOCK_SECONDS, Pace
from agora.vendor.pacer import NoPermit, no_permit
from agora.warehouse import request_pace

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

LOOKS_EVERY_SECONDS = 0.5  # a rate that was raised is noticed so soon by those who wait behind others
GOOD_FOR_SECONDS = 2 * BLOCK_SECONDS  # turns not taken by then are given up


@asynccontextmanager
async def shared_client(settings: DashboardSettings, engine: Engine) -> AsyncIterator[DashboardClient]:
    """Open a client whose requests keep to the pace of all processes of the account.

    Args:
        settings: The account, known in core.vendor_account.
        engine: To the warehouse, as the loader.
    """
    async with SharedPacer(settings, engine) as pacer, DashboardClient(settings, pacer=pacer) as client:
        yield client


class _Waiting(NamedTuple):
    """A process that waits for a turn, and when it will look again."""

    who: str
    looks_at: float


class _Note(NamedTuple):
    """An answer that the account's state does not know of yet; times as the database has them."""

    sent_at: float
    at: float
    limited: bool = False
    retry_after_seconds: float | None = None


class SharedPacer:
    """This process's part in an account's turns, as an asynchronous context manager.

    Each exchange with the warehouse is one short transaction: it tells what was answered since the last one
    and takes the next turns, if it is time. Up to 39 requests a second that is a single turn, so every one
    is decided on what any process has learned; beyond, a block of as many as this process will need in
    BLOCK_SECONDS. A 429 is told at once. Without the warehouse nothing is asked: its error ends the batch.

    Args:
        settings: The account, known in core.vendor_account.
        engine: To the warehouse, as the loader; one connection is held until the end.
    """

    def __init__(self, settings: DashboardSettings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._connection: Connection | None = None
        # One thread: exchanges follow one another, and the connection is never used by two.
        self._who = uuid4().hex
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pace")
        self._ahead_seconds = 0.0  # the database's clock less this process's
        self._notes: deque[_Note] = deque()
        self._lock = asyncio.Lock()
        self._waiting = self._limits = 0
        self._turns = self._taken = 0
        self._granted_at = self._gap_seconds = 0.0
        self._no_permit: NoPermit | None = None  # as the last exchange found

    async def __aenter__(self) -> SharedPacer:
        try:
            self._connection = await self._in_thread(
                request_pace.connect, self._engine, self._settings.conn_id
            )
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._in_thread(self._connection.close)
        self._thread.shutdown()

    async def turn(self) -> float:
        """Wait for this request's turn; return the moment by the database's clock.

        Raises:
            NoPermit: The account is refused for so long that waiting is no use.
        """
        if not self._waiting and self._until_turn() == 0:
            self._taken += 1
            return self._now()
        self._waiting += 1
        try:
            async with self._lock:
                while True:
                    wait_seconds = self._until_turn()
                    if wait_seconds is None:
                        wait_seconds = await self._exchange(self._wanted())
                        self._require_patience()
                    elif wait_seconds == 0:
                        self._taken += 1
                        return self._now()
                    await asyncio.sleep(wait_seconds)
        finally:
            self._waiting -= 1

    async def answered(self, sent_at: float) -> None:
        """Tell an answer that was not a 429; where turns come in blocks, with the next exchange."""
        self._notes.append(_Note(sent_at, self._now()))
        if self._gap_seconds >= BLOCK_SECONDS / 2:
            await self._exchange(0)

    async def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Tell a 429 at once, and give up the turns that were granted before.

        Raises:
            NoPermit: The account is refused for so long that waiting is no use.
        """
        self._turns = 0
        self._limits += 1
        self._notes.append(_Note(sent_at, self._now(), True, retry_after_seconds))
        await self._exchange(0)
        self._require_patience()

    def _require_patience(self) -> None:
        if self._no_permit:
            raise self._no_permit

    def _until_turn(self) -> float | None:
        """Return the seconds until the next granted turn, None where there is none."""
        if self._taken >= self._turns or time.monotonic() > self._granted_at + GOOD_FOR_SECONDS:
            return None
        return max(0.0, self._granted_at + self._taken * self._gap_seconds - time.monotonic())

    def _wanted(self) -> int:
        """Return how many turns are needed until a block is over, at the rate of late."""
        since_grant = time.monotonic() - self._granted_at
        return max(1, self._waiting, int(self._taken * BLOCK_SECONDS / max(since_grant, BLOCK_SECONDS / 10)))

    async def _exchange(self, wanted: int) -> float:
        """Tell and ask; return how many seconds to wait before asking again."""
        limits = self._limits
        granted, wait_seconds, gap_seconds = await self._in_thread(self._exchange_now, wanted)
        if granted and limits == self._limits:  # else a 429 came meanwhile, which the grant may not know of
            self._turns, self._taken = granted, 0
            self._granted_at, self._gap_seconds = time.monotonic(), gap_seconds
        return wait_seconds

    def _exchange_now(self, wanted: int) -> tuple[int, float, float]:
        granted, wait_seconds, gap_seconds = 0, 0.0, 0.0

        def change(state: dict[str, Any] | None, now: float) -> dict[str, Any]:
            nonlocal granted, wait_seconds, gap_seconds
            self._ahead_seconds = now - time.monotonic()
            kept = state or {"pace": None, "queue": []}
            pace = Pace.from_json(kept["pace"], self._settings.requests_per_second, now)
            queue = [_Waiting(*one) for one in kept["queue"] if one[1] > now - LOOKS_EVERY_SECONDS]
            while self._notes:
                note = self._notes.popleft()
                if note.limited:
                    pace.note_limit(note.sent_at, note.retry_after_seconds, note.at)
                else:
                    pace.note_answer(note.sent_at, note.at)
            if wanted:
                granted, wait_seconds = pace.grant(now, wanted)
            self._no_permit = None if granted else no_permit(pace, now)
            if wanted:
                leaves = granted > 0 or self._no_permit is not None
                wait_seconds += self._queue(queue, leaves, wait_seconds + now, 1 / pace.per_second)
            gap_seconds = 1 / pace.per_second
            return {"pace": pace.to_json(), "queue": queue}

        if self._connection is not None and (wanted or self._notes):
            request_pace.exchange(self._connection, self._settings.conn_id, change)
        return granted, wait_seconds, gap_seconds

    def _queue(self, queue: list[_Waiting], leaves: bool, next_at: float, gap_seconds: float) -> float:
        """Keep this process's place among those that wait, or leave it.

        The place decides nothing but when to look again, so that not all of them come for every turn.

        Returns:
            For how many seconds longer than the account's next turn to sleep.
        """
        places = [one.who for one in queue]
        place = places.index(self._who) if self._who in places else len(queue)
        del queue[place : place + 1]
        if leaves:
            return 0.0
        behind_seconds = min(place * gap_seconds, LOOKS_EVERY_SECONDS)
        queue.insert(place, _Waiting(self._who, next_at + behind_seconds))
        return behind_seconds

    def _now(self) -> float:
        return time.monotonic() + self._ahead_seconds

    async def _in_thread(self, function: Callable[[Unpack[Given]], Result], *arguments: *Given) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
