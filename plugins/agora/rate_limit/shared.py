"""Rate limiter that all processes of an account share through the warehouse."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from agora.rate_limit.adaptive import BLOCK_SECONDS, AdaptiveLimit
from agora.rate_limit.local import NoPermit, no_permit

LOOK_SECONDS = 0.5  # a process that waits behind others notices a raised rate within this time
VALID_SECONDS = 2 * BLOCK_SECONDS  # permits expire after this time


Change = Callable[[Any, float], dict[str, Any]]  # changes the stored state; see LimitStore.change


class SharedLimiter:
    """This process's share of an account's rate limit.

    Each exchange with `store` (`LimitStore.change`) is one short transaction. It records the responses since
    the previous exchange and takes the next permits if they are due. Below 40 requests per second, it takes
    one permit at a time. At higher rates, it takes as many as this process needs in `BLOCK_SECONDS`. A 429
    is recorded immediately. Errors from the store are passed on.
    """

    def __init__(
        self,
        requests_per_second: float,
        store: Callable[[Change], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests_per_second, self._store, self._clock = requests_per_second, store, clock
        self._id = uuid4().hex
        self._lock = asyncio.Lock()
        # _ahead_seconds is the store's clock minus this process's clock.
        self._ahead_seconds = self._gap_seconds = self._valid_until = 0.0
        self._permits: deque[float] = deque()  # the time from which each may be used
        self._waiting = self._used = self._throttled = 0
        self._records: deque[Callable[[AdaptiveLimit], None]] = deque()  # not yet in the store
        self._no_permit: NoPermit | None = None

    async def acquire(self) -> float:
        """Wait for a permit, and return the time on the store's clock."""
        self._waiting += 1
        try:
            async with self._lock:
                while True:
                    if not self._permits or self._clock() > self._valid_until:
                        wait_seconds = await self._exchange(max(self._waiting, 2 * self._used))
                        self._raise_if_hopeless()
                    elif (wait_seconds := self._permits[0] - self._clock()) <= 0:
                        self._permits.popleft()
                        self._used += 1
                        return self._now()
                    await asyncio.sleep(wait_seconds)
        finally:
            self._waiting -= 1

    async def record_response(self, sent_at: float) -> None:
        """Record a response other than 429. If permits come in blocks, the next exchange records it."""
        now = self._now()
        self._records.append(lambda limit: limit.record_response(sent_at, now))
        if self._gap_seconds >= BLOCK_SECONDS / 2:
            await self._exchange()

    async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Record a 429 immediately, and discard the permits granted before."""
        now = self._now()
        self._permits.clear()
        self._throttled += 1
        self._records.append(lambda limit: limit.record_throttled(sent_at, retry_after_seconds, now))
        await self._exchange()
        self._raise_if_hopeless()

    def _raise_if_hopeless(self) -> None:
        if self._no_permit:
            raise self._no_permit

    def _now(self) -> float:
        return self._clock() + self._ahead_seconds

    async def _exchange(self, wanted: int = 0) -> float:
        """Record responses, take permits, and return the seconds to wait before the next attempt."""
        granted, wait_seconds, throttled = 0, 0.0, self._throttled

        def change(state: Any, now: float) -> dict[str, Any]:
            nonlocal granted, wait_seconds
            self._ahead_seconds = now - self._clock()
            state = state if isinstance(state, dict) else {}
            limit = AdaptiveLimit.from_json(state.get("pace"), self._requests_per_second, now)
            queue = state.get("queue")
            queue = queue if isinstance(queue, dict) else {}
            queue = {
                who: at
                for who, at in queue.items()
                if isinstance(at, int | float) and at > now - LOOK_SECONDS
            }
            while self._records:
                self._records.popleft()(limit)
            self._gap_seconds = 1 / limit.per_second
            if wanted:
                granted, wait_seconds = limit.grant(now, wanted)
            self._no_permit = None if granted else no_permit(limit, now)
            mine = queue.pop(self._id, float("inf"))
            if wanted and not granted and not self._no_permit:
                # The queue only staggers the processes' attempts, so an ended process delays no others.
                ahead = sum(at < mine for at in queue.values())
                wait_seconds += min(ahead * self._gap_seconds, LOOK_SECONDS)
                queue[self._id] = now + wait_seconds
            return {"pace": limit.to_json(), "queue": queue}

        if wanted or self._records:
            await self._store(change)
        if granted and throttled == self._throttled:  # no 429 arrived that the grant may have missed
            now = self._clock()
            self._permits = deque(now + number * self._gap_seconds for number in range(granted))
            self._used, self._valid_until = 0, now + VALID_SECONDS
        return wait_seconds
