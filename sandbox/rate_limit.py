"""The account's rate limit: how many calls a second are let in before the answer is 429."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

# Calls sent evenly arrive unevenly. Without this much grace a client that keeps exactly to the limit would be
# refused now and then for the network's jitter, not for calling too often.
JITTER_GRACE = 0.05


class RateLimit:
    """A sliding window: at most N calls let in within any one second; refused calls do not count.

    Args:
        per_second: Calls a second; below 1 it is one call in 1 / per_second seconds; 0 means no limit.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._let_in: deque[float] = deque()
        self.per_second = 0.0
        self.set(per_second)

    def set(self, per_second: float) -> None:
        """Replaces the limit and forgets the calls so far.

        Raises:
            ValueError: The limit is negative, not finite or beyond a million a second.
        """
        if not 0 <= per_second <= 1_000_000:
            raise ValueError(f"The rate limit is from 0 to 1000000 calls a second, not {per_second}.")
        self.per_second = per_second
        self._calls = max(1, int(per_second))
        self._seconds = self._calls / per_second * (1 - JITTER_GRACE) if per_second else 0.0
        self._let_in.clear()

    def lets_in(self) -> bool:
        """Decides on one call, and counts it where it is let in."""
        if not self.per_second:
            return True
        now = self._monotonic()
        while self._let_in and now - self._let_in[0] >= self._seconds:
            self._let_in.popleft()
        if len(self._let_in) >= self._calls:
            return False
        self._let_in.append(now)
        return True
