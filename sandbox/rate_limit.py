"""The account's rate limit for the Dashboard API. Requests above the limit get a 429."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

# Requests sent at even intervals arrive at uneven intervals. Without this tolerance, network jitter would
# occasionally cause a 429 for a client that sends exactly at the limit.
JITTER_TOLERANCE = 0.05


class RateLimit:
    """A sliding window: at most N accepted requests within any second. Rejected requests do not count.

    Args:
        per_second: Requests per second. A value below 1 allows one request per 1 / per_second seconds. 0
            means unlimited.
        retry_after_seconds: The Retry-After header for 429s. None omits the header.
        monotonic: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        per_second: float,
        retry_after_seconds: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._accepted: deque[float] = deque()
        self.per_second = 0.0
        self.retry_after_seconds = retry_after_seconds
        self._retry_not_before = float("-inf")
        self.reset_counts()
        self.set(per_second)

    def reset_counts(self) -> None:
        """Reset the counts, but not the accepted requests or the announced Retry-After."""
        self._inside_retry_after = 0
        self._allowed = 0.0
        self._allowed_until = self._monotonic()

    def set(self, per_second: float) -> None:
        """Replace the limit and forget the accepted requests.

        Raises:
            ValueError: The limit is negative, not finite or above a million per second.
        """
        if not 0 <= per_second <= 1_000_000:
            raise ValueError(
                f"The rate limit must be from 0 to 1000000 requests per second, not {per_second}."
            )
        self._count_allowed()
        self.per_second = per_second
        self._requests = max(1, int(per_second))
        self._seconds = self._requests / per_second * (1 - JITTER_TOLERANCE) if per_second else 0.0
        self._accepted.clear()

    def accept(self) -> bool:
        """Decide whether to accept a request, and count it if accepted."""
        now = self._monotonic()
        if now < self._retry_not_before:
            self._inside_retry_after += 1
        if not self.per_second:
            return True
        while self._accepted and now - self._accepted[0] >= self._seconds:
            self._accepted.popleft()
        if len(self._accepted) >= self._requests:
            self._retry_not_before = max(self._retry_not_before, now + (self.retry_after_seconds or 0))
            return False
        self._accepted.append(now)
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return the counts since the start or the last reset."""
        self._count_allowed()
        return {"allowed": self._allowed, "inside_retry_after": self._inside_retry_after}

    def _count_allowed(self) -> None:
        now = self._monotonic()
        self._allowed += (now - self._allowed_until) * self.per_second
        self._allowed_until = now
