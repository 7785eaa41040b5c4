"""Who asks next: the turns of an account's requests, and how one process takes them that has it to itself.

If the vendor refuses the account for long, the next turn is not waited for: NoPermit is raised instead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from agora.client.response import Response
from agora.vendor.pace import Pace

NOTHING_ELSE = "the account has had no other response for minutes"


class NoPermit(Exception):
    """The vendor refuses the account's requests for longer than a batch waits; the message says why.

    Attributes:
        retry_at: When the vendor asked to be requested again, in UTC; None if it named no time.
        answer: The 429 to the request, or None if the request was not sent.
    """

    def __init__(
        self, reason: str, *, retry_at: datetime | None = None, answer: Response | None = None
    ) -> None:
        super().__init__(reason)
        self.retry_at = retry_at
        self.answer = answer


def no_permit(pace: Pace, now: float) -> NoPermit | None:
    """Return why the account is to be given up, or None if its next turn is worth waiting for."""
    if not pace.is_refused_for_long(now):
        return None
    if pace.retry_at > now:
        retry_at = datetime.now(UTC) + timedelta(seconds=pace.retry_at - now)
        return NoPermit(f"the vendor asks to wait until {retry_at:%Y-%m-%d %H:%M:%S} UTC", retry_at=retry_at)
    return NoPermit(NOTHING_ELSE)


class Turns(Protocol):
    """What a transport asks before each request and tells after each answer."""

    async def turn(self) -> float:
        """Wait for this request's turn; return the moment it may be sent, for `answered` and `limited`.

        Raises:
            NoPermit: The account is refused for so long that waiting is no use.
        """

    async def answered(self, sent_at: float) -> None:
        """Note an answer that was not a 429, to the request sent at `sent_at`."""

    async def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429 for the request sent at `sent_at`, before anything else is sent.

        Raises:
            NoPermit: It shows that the account is refused for so long that waiting is no use.
        """


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
                self._require_patience()
                await asyncio.sleep(wait_seconds)

    async def answered(self, sent_at: float) -> None:
        """Note an answer that was not a 429."""
        self._pace.note_answer(sent_at, self._clock())

    async def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429; slow down, once for all that were under way."""
        self._pace.note_limit(sent_at, retry_after_seconds, self._clock())
        self._require_patience()

    def _require_patience(self) -> None:
        refused = no_permit(self._pace, self._clock())
        if refused:
            raise refused
