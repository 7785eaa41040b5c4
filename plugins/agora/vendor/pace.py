"""How fast to ask: evenly spaced requests that slow down when the vendor says 429."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 1.0  # how far back answers are counted: the vendor states its limits per second
PROOF_ANSWERS = 10  # so many, and over a window at least, prove that a rate is allowed
LONG_ANSWERS = 20  # so many answers between two 429s tell the limit to a few per cent
KEEP_BELOW = 0.97
GROWTH = 0.003
MAY_DIFFER = 1.1  # rates further apart than this are worth a try half-way between them


class Pacer:
    """Spaces requests evenly and finds a limit that the vendor does not publish.

    It starts at the configured rate. The first 429 tells that the limit is about what was answered within
    the last second (exactly so for a sliding window). From then on, what was answered between two 429s far
    enough apart is what the limit allows, whatever its kind, and a rate refused sooner is halved. A rate
    that proves to be allowed is raised: half-way towards the one refused, from there in small steps, and in
    ever larger ones should the limit turn out to have been raised.

    Every request of a client shares one pacer, so one 429 slows them all.

    Args:
        requests_per_second: Never faster than this.
        clock: Monotonic seconds.
    """

    def __init__(self, requests_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_per_second = requests_per_second
        self._clock = clock
        self.per_second = requests_per_second
        self._refused_per_second = math.inf
        self._changed_at = float("-inf")
        self._answers_since_change = 0
        self._cut_at: float | None = None
        self._answers_since_cut = 0
        self._next_at = clock()
        self._answered: deque[float] = deque()
        # One waits at a time: those behind it then see the rate that a 429 has meanwhile lowered.
        self._lock = asyncio.Lock()

    async def turn(self) -> float:
        """Wait for this request's turn.

        A request that comes late may follow closely on the one before, by one gap at most; without that,
        the timer's small delays would add up and the rate stay below what is allowed.

        Returns:
            The moment it may be sent, to be given to `answered` or `limited`.
        """
        async with self._lock:
            while (wait_seconds := self._next_at - self._clock()) > 0:  # noqa: ASYNC110 - a 429 moves it
                await asyncio.sleep(wait_seconds)
            now = self._clock()
            gap_seconds = 1 / self.per_second
            self._next_at = max(self._next_at, now - gap_seconds) + gap_seconds
            return now

    def answered(self, sent_at: float) -> None:
        """Note an answer that was not a 429, to the request sent at `sent_at`."""
        now = self._clock()
        self._answered.append(now)
        self._forget(now)
        self._answers_since_cut += 1
        if self._cut_at is None or sent_at < self._changed_at:
            return
        self._answers_since_change += 1
        if self._answers_since_change >= PROOF_ANSWERS and now - self._changed_at >= WINDOW_SECONDS:
            self._change(min(self._most_per_second, self._raised()), now)

    def limited(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a 429 for the request sent at `sent_at`; slow down, once for all that were under way."""
        now = self._clock()
        if retry_after_seconds is not None:
            self._next_at = max(self._next_at, now + retry_after_seconds)
        if self._cut_at is not None and sent_at <= self._cut_at:
            return
        self._forget(now)
        self._refused_per_second = self.per_second
        allowed_per_second = max(KEEP_BELOW * min(self.per_second, self._allowed(now)), 0.01)
        self._cut_at = now
        self._answers_since_cut = 0
        self._change(allowed_per_second, now)
        self._next_at = max(self._next_at, now + 1 / allowed_per_second)
        if len(self._answered) > allowed_per_second * WINDOW_SECONDS:
            # A sliding window is full until the oldest of them has left it.
            self._next_at = max(self._next_at, self._answered[0] + WINDOW_SECONDS)

    def _allowed(self, now: float) -> float:
        """Estimate the limit at the moment of a 429."""
        within_window = len(self._answered) / WINDOW_SECONDS
        if self._cut_at is None:
            return within_window if self._answers_since_cut >= PROOF_ANSWERS else self.per_second / 2
        if self._answers_since_cut >= LONG_ANSWERS:
            since = now - self._cut_at
            return max(self._answers_since_cut / since, within_window if since >= WINDOW_SECONDS else 0.0)
        return self.per_second / 2

    def _raised(self) -> float:
        """Return the rate to try after a proved one."""
        if self._refused_per_second > MAY_DIFFER * self.per_second:
            return math.sqrt(self._refused_per_second * self.per_second)
        beyond = self.per_second - self._refused_per_second
        return self.per_second + max(GROWTH * self.per_second, beyond / 2)

    def _change(self, per_second: float, now: float) -> None:
        self.per_second = per_second
        self._changed_at = now
        self._answers_since_change = 0

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0] < now - WINDOW_SECONDS:
            self._answered.popleft()
