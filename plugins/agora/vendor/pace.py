"""How fast to ask: evenly spaced requests that slow down when the vendor says 429."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

ESTIMATE_SECONDS = 1.0
KEEP_BELOW = 0.95


class Pacer:
    """Spaces requests evenly and follows a limit that the vendor does not publish.

    A 429 says how fast the vendor allows: as fast as it answered within the last second. The pacer goes on
    a little below that, keeps there for a while, then tries faster and faster, up to the configured rate.
    Every request of a client shares one pacer, so one 429 slows them all.

    Args:
        requests_per_second: Never faster than this.
        clock: Monotonic seconds.
    """

    def __init__(self, requests_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_per_second = requests_per_second
        self._clock = clock
        self._base_per_second = requests_per_second
        self._cut_at: float | None = None
        self._next_at = float("-inf")
        self._answered: deque[float] = deque()
        # One waits at a time: those behind it then see the rate that a 429 has meanwhile lowered.
        self._lock = asyncio.Lock()

    async def turn(self) -> float:
        """Wait for this request's turn.

        A request that comes late may follow closely on the one before, by one gap at most; without that,
        the timer's small delays would add up and the rate stay below what is allowed.

        Returns:
            The moment it may be sent, to be given to `limited` should it be refused.
        """
        async with self._lock:
            while (wait_seconds := self._next_at - self._clock()) > 0:  # noqa: ASYNC110 - a 429 moves it
                await asyncio.sleep(wait_seconds)
            now = self._clock()
            gap_seconds = 1 / self.per_second(now)
            self._next_at = max(self._next_at, now - gap_seconds) + gap_seconds
            return now

    def per_second(self, now: float) -> float:
        """Return the current rate: flat after a cut, then ever faster, never above the configured one."""
        if self._cut_at is None:
            return self._most_per_second
        since = max(0.0, now - self._cut_at)
        return min(self._most_per_second, self._base_per_second * (1 + 0.001 * since + (since / 90) ** 3))

    def answered(self) -> None:
        """Note an answer that was not a 429."""
        self._answered.append(self._clock())
        self._forget()

    def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429 for the request sent at `sent_at`; slow down, once for all that were under way."""
        now = self._clock()
        if retry_after_seconds is not None:
            self._next_at = max(self._next_at, now + retry_after_seconds)
        if self._cut_at is not None and sent_at <= self._cut_at:
            return
        self._forget()
        again_soon = self._cut_at is not None and now - self._cut_at < 2 * ESTIMATE_SECONDS
        most = self.per_second(now) * (0.75 if again_soon else KEEP_BELOW)
        seen = len(self._answered) / ESTIMATE_SECONDS * KEEP_BELOW
        self._base_per_second = max(min(most, seen) if seen >= 1 else most, 0.05)
        self._cut_at = now
        self._next_at = max(self._next_at, now + 1 / self._base_per_second)

    def _forget(self) -> None:
        horizon = self._clock() - ESTIMATE_SECONDS
        while self._answered and self._answered[0] < horizon:
            self._answered.popleft()
