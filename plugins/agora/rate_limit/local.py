"""Rate limiter for a single process, and the interface of all rate limiters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from agora.rate_limit.adaptive import AdaptiveLimit

if TYPE_CHECKING:
    from agora.client.response import Response

NOTHING_ELSE = "the account has received no other response for several minutes"


class NoPermit(Exception):
    """The vendor throttles the account for longer than a batch waits. The message is the reason.

    `retry_at` is the end of the vendor's Retry-After in UTC. `answer` is the 429 response to the request,
    if the request was sent.
    """

    def __init__(
        self, reason: str, *, retry_at: datetime | None = None, answer: Response | None = None
    ) -> None:
        super().__init__(reason)
        self.retry_at, self.answer = retry_at, answer


class RateLimiter(Protocol):
    """Interface of all rate limiters. Each method may raise `NoPermit`.

    `sent_at` is the time that `acquire` returned for the request.
    """

    async def acquire(self) -> float:
        """Wait for a permit, and return the time at which the request may be sent."""

    async def record_response(self, sent_at: float) -> None:
        """Record a response other than 429."""

    async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Record a 429 before the next request is sent."""


def no_permit(limit: AdaptiveLimit, now: float) -> NoPermit | None:
    """Return the reason to give up on the account, or None to wait for the next permit."""
    if not limit.is_hopeless(now):
        return None
    if limit.retry_at <= now:
        return NoPermit(NOTHING_ELSE)
    retry_at = datetime.now(UTC) + timedelta(seconds=limit.retry_at - now)
    return NoPermit(
        f"the vendor's Retry-After lasts until {retry_at:%Y-%m-%d %H:%M:%S} UTC", retry_at=retry_at
    )


class LocalLimiter:
    """Rate limiter for a single process. `clock` returns monotonic seconds."""

    def __init__(self, requests_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = AdaptiveLimit.fresh(requests_per_second, clock())
        self._clock = clock
        self._lock = asyncio.Lock()  # one task waits at a time, so the others see a lowered rate

    async def acquire(self) -> float:
        """Wait for a permit."""
        async with self._lock:
            while True:
                granted, wait_seconds = self.limit.grant(self._clock())
                if granted:
                    return self._clock()
                self._raise_if_hopeless()
                await asyncio.sleep(wait_seconds)

    async def record_response(self, sent_at: float) -> None:
        """Record a response other than 429."""
        self.limit.record_response(sent_at, self._clock())

    async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Record a 429."""
        self.limit.record_throttled(sent_at, retry_after_seconds, self._clock())
        self._raise_if_hopeless()

    def _raise_if_hopeless(self) -> None:
        if error := no_permit(self.limit, self._clock()):
            raise error
