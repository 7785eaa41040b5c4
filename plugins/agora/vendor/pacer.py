"""Who asks next: the turns of an account's requests, and how one process takes them that has it to itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from agora.vendor.pace import Pace


class Turns(Protocol):
    """What a transport asks before each request and tells after each answer."""

    async def turn(self) -> float:
        """Wait for this request's turn; return the moment it may be sent, for `answered` and `limited`."""

    async def answered(self, sent_at: float) -> None:
        """Note an answer that was not a 429, to the request sent at `sent_at`."""

    async def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429 for the request sent at `sent_at`, before anything else is sent."""


class Pacer:
    """The turns of one process that has the account to itself.

    Args:
        requests_per_second: Never faster than this.
        clock: Monotonic seconds.
    """

    def __init__(self, requests_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace.fresh(requests_per_second, clock())
        # One waits at a time: those behind it then see the rate that a 429 has meanwhile lowered.
        self._lock = asyncio.Lock()

    @property
    def per_second(self) -> float:
        """The present rate."""
        return self._pace.per_second

    async def turn(self) -> float:
        """Wait for this request's turn."""
        async with self._lock:
            while True:
                granted, wait_seconds = self._pace.grant(self._clock())
                if granted:
                    return self._clock()
                await asyncio.sleep(wait_seconds)

    async def answered(self, sent_at: float) -> None:
        """Note an answer that was not a 429."""
        self._pace.note_answer(sent_at, self._clock())

    async def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429; slow down, once for all that were under way."""
        self._pace.note_limit(sent_at, retry_after_seconds, self._clock())
