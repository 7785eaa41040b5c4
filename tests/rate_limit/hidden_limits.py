"""Possible rate limits of a vendor, unknown to the client. Times are in seconds of the simulation."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

TINY = 1e-9


class HiddenLimit(Protocol):
    def admits(self, now: float) -> bool: ...


@dataclass
class SlidingWindow:
    """At most `per_second` calls in any period of one second. Throttled calls do not count."""

    per_second: float
    _admitted: deque[float] = field(default_factory=deque)

    def admits(self, now: float) -> bool:
        calls = max(1, int(self.per_second))
        while self._admitted and now - self._admitted[0] >= calls / self.per_second - TINY:
            self._admitted.popleft()
        if len(self._admitted) >= calls:
            return False
        self._admitted.append(now)
        return True


@dataclass
class FixedWindow:
    """At most `per_second` calls in each second of the vendor's clock, which is `phase` seconds ahead."""

    per_second: float
    phase: float = 0.0
    _second: int = -1
    _admitted: int = 0

    def admits(self, now: float) -> bool:
        if self._second != int(now + self.phase):
            self._second, self._admitted = int(now + self.phase), 0
        self._admitted += 1
        return self._admitted <= self.per_second


@dataclass
class Moving:
    """A sliding window whose limit changes over time: pairs of start time and limit, starting at 0."""

    limits: list[tuple[float, float]]
    _window: SlidingWindow = field(default_factory=lambda: SlidingWindow(0))

    def admits(self, now: float) -> bool:
        self._window.per_second = next(limit for since, limit in reversed(self.limits) if now >= since)
        return self._window.admits(now)


@dataclass
class TokenBucket:
    """A bucket of `burst` tokens, initially full and refilled evenly."""

    per_second: float
    burst: float
    _spent: float = 0.0
    _at: float = 0.0

    def admits(self, now: float) -> bool:
        self._spent = max(0.0, self._spent - (now - self._at) * self.per_second)
        self._at = now
        if self._spent + 1 > self.burst + TINY:
            return False
        self._spent += 1
        return True
