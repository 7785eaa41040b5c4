"""The account's rate limit: how many calls a second are let in before the answer is 429."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

# Calls sent evenly arrive unevenly. Without this much grace a client that keeps exactly to the limit would be
# refused now and then for the network's jitter, not for calling too often.
JITTER_GRACE = 0.05


class RateLimit:
    """A sliding window: at most N calls let in within any one second; refused calls do not count.

    Args:
        per_second: Calls a second; below 1 it is one call in 1 / per_second seconds; 0 means no limit.
        retry_after_seconds: What a refusal tells the caller to wait for; None where it tells nothing.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        per_second: float,
        retry_after_seconds: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._let_in: deque[float] = deque()
        self.per_second = 0.0
        self.retry_after_seconds = retry_after_seconds
        self._told_to_wait_until = float("-inf")
        self.reset_counts()
        self.set(per_second)

    def reset_counts(self) -> None:
        """Forgets what was counted, but neither the calls let in nor what callers were told."""
        self._inside_retry_after = 0
        self._allowed = 0.0
        self._allowed_until = self._monotonic()

    def set(self, per_second: float) -> None:
        """Replaces the limit and forgets the calls so far.

        Raises:
            ValueError: The limit is negative, not finite or beyond a million a second.
        """
        if not 0 <= per_second <= 1_000_000:
            raise ValueError(f"The rate limit is from 0 to 1000000 calls a second, not {per_second}.")
        self._count_allowed()
        self.per_second = per_second
        self._calls = max(1, int(per_second))
        self._seconds = self._calls / per_second * (1 - JITTER_GRACE) if per_second else 0.0
        self._let_in.clear()

    def lets_in(self) -> bool:
        """Decides on one call, and counts it where it is let in."""
        now = self._monotonic()
        if now < self._told_to_wait_until:
            self._inside_retry_after += 1
        if not self.per_second:
            return True
        while self._let_in and now - self._let_in[0] >= self._seconds:
            self._let_in.popleft()
        if len(self._let_in) >= self._calls:
            self._told_to_wait_until = max(self._told_to_wait_until, now + (self.retry_after_seconds or 0))
            return False
        self._let_in.append(now)
        return True

    def described(self) -> dict[str, Any]:
        """What was counted since the start or a reset, as the control call shows it."""
        self._count_allowed()
        return {"allowed": self._allowed, "inside_retry_after": self._inside_retry_after}

    def _count_allowed(self) -> None:
        now = self._monotonic()
        self._allowed += (now - self._allowed_until) * self.per_second
        self._allowed_until = now
