"""Rate limits as a vendor may have them, and a client that meets one through a pacer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from agora.vendor.pacer import Pacer
from tests.unit.vendor.virtual_time import clock, run

TINY = 1e-9


class HiddenLimit(Protocol):
    def lets_in(self) -> bool: ...


@dataclass
class SlidingWindow:
    """So many calls in any one second; refused ones do not count."""

    per_second: float
    _let_in: deque[float] = field(default_factory=deque)

    def lets_in(self) -> bool:
        calls = max(1, int(self.per_second))
        while self._let_in and clock() - self._let_in[0] >= calls / self.per_second - TINY:
            self._let_in.popleft()
        if len(self._let_in) >= calls:
            return False
        self._let_in.append(clock())
        return True


@dataclass
class FixedWindow:
    """So many calls in each second of the clock."""

    per_second: float
    _second: int = -1
    _let_in: int = 0

    def lets_in(self) -> bool:
        if self._second != int(clock()):
            self._second, self._let_in = int(clock()), 0
        self._let_in += 1
        return self._let_in <= self.per_second


@dataclass
class Moving:
    """A sliding window whose limit is another one from given moments on.

    Attributes:
        limits: Pairs of moment and limit, the first one at 0.
    """

    limits: list[tuple[float, float]]
    _window: SlidingWindow = field(default_factory=lambda: SlidingWindow(0))

    def lets_in(self) -> bool:
        self._window.per_second = next(limit for since, limit in reversed(self.limits) if clock() >= since)
        return self._window.lets_in()


@dataclass
class TokenBucket:
    """A bucket of `burst` tokens, full at first, refilled evenly."""

    per_second: float
    burst: float
    _spent: float = 0.0
    _at: float = 0.0

    def lets_in(self) -> bool:
        self._spent = max(0.0, self._spent - (clock() - self._at) * self.per_second)
        self._at = clock()
        if self._spent + 1 > self.burst + TINY:
            return False
        self._spent += 1
        return True


@dataclass
class Simulation:
    """Some workers of one client ask until enough is answered.

    Attributes:
        refused_at: Moments of the 429s.
        accepted_at: Moments of the others.
        until: Ends at this moment instead of after so many requests.
    """

    configured_per_second: float
    limit: HiddenLimit
    latency_seconds: float = 0.005
    workers: int = 16
    requests: int = 600
    retry_after_seconds: float | None = None
    until: float = math.inf
    refused_at: list[float] = field(default_factory=list)
    accepted_at: list[float] = field(default_factory=list)

    def run(self) -> Simulation:
        run(self._main())
        return self

    @property
    def refused_share(self) -> float:
        return len(self.refused_at) / (len(self.refused_at) + len(self.accepted_at))

    def accepted_per_second(self, first: int = 0) -> float:
        """Return the rate from one request on, by default from the start."""
        since = self.accepted_at[first] if first else 0.0
        return (len(self.accepted_at) - first) / (self.accepted_at[-1] - since)

    def accepted_between(self, since: float, until: float) -> int:
        """Return how many were accepted from a moment on until another."""
        return sum(since <= moment < until for moment in self.accepted_at)

    async def _main(self) -> None:
        pacer = Pacer(self.configured_per_second, clock=clock)
        todo = deque(range(self.requests))

        async def worker() -> None:
            while todo and clock() < self.until:
                todo.popleft()
                while not await self._ask(pacer):
                    pass

        await asyncio.gather(*(worker() for _ in range(self.workers)))

    async def _ask(self, pacer: Pacer) -> bool:
        sent_at = await pacer.turn()
        await asyncio.sleep(self.latency_seconds / 2)
        accepted = self.limit.lets_in()
        (self.accepted_at if accepted else self.refused_at).append(clock())
        await asyncio.sleep(self.latency_seconds / 2)
        if accepted:
            await pacer.answered(sent_at)
        else:
            await pacer.limited(sent_at, self.retry_after_seconds)
        return accepted
