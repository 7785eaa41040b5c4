"""One vendor account, collected night by night with the vendor and the clock simulated: no sockets."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agora.bandwidth.plan import COLLECTING_SECONDS
from agora.bandwidth.window import EDGE_DAYS, MARGIN_DAYS, PROBES_PER_DATE
from agora.rate_limit.adaptive import AdaptiveLimit

NIGHT_SECONDS = 86_400.0
RUN_SECONDS = 20 * 3600.0  # dagrun_timeout
WINDOW_DAYS = 31
SETTLE_DAYS = 2
MISSING, COLLECTED, SETTLED = 0, 1, 2  # points of an app-day: none, early ones, those of a settled day


class Vendor:
    """Answers so many requests within any second, and 429 to the rest."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._answered: deque[float] = deque()

    def answers(self, at: float) -> bool:
        """Tell whether a request at this moment is answered."""
        while self._answered and self._answered[0] <= at - 1:
            self._answered.popleft()
        if len(self._answered) >= self.per_second:
            return False
        self._answered.append(at)
        return True


@dataclass
class Night:
    """What one run came to.

    Attributes:
        missing: App-days without points that are still requested.
        lost: App-days without points that are no longer requested since this night.
    """

    planned: int = 0
    answered: int = 0
    limited: int = 0
    seconds: float = 0.0
    missing: int = 0
    lost: int = 0


@dataclass
class Account:
    """The ledger of one account's window, a row a usage date, and the limiter that all its requests pass.

    Attributes:
        apps: How many apps it has.
        configured_per_second: The connection's requests_per_second.
        vendor: Whose limit nobody knows.
    """

    apps: int
    configured_per_second: float
    vendor: Vendor
    days: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    limit: AdaptiveLimit | None = None

    def night(self, today: int, *, down: bool = False) -> Night:
        """Let a day pass: yesterday is expected, the oldest day is no longer requested, and a run collects.

        Args:
            today: Number of the day.
            down: Nobody collects this night.
        """
        night = Night()
        self.days[today - 1] = np.zeros(self.apps, dtype=np.uint8)
        for day in [day for day in self.days if day < today - WINDOW_DAYS - MARGIN_DAYS]:
            night.lost += int(np.count_nonzero(self.days.pop(day) == MISSING))
        if not down:
            self._collect(today, night)
        night.missing = sum(int(np.count_nonzero(states == MISSING)) for states in self.days.values())
        return night

    def _collect(self, today: int, night: Night) -> None:
        began = now = today * NIGHT_SECONDS
        # As the tasks of a run find it: what was learned before a long silence is learned anew.
        self.limit = AdaptiveLimit.from_json(
            self.limit.to_json() if self.limit else None, self.configured_per_second, now
        )
        room = most = max(1, int(COLLECTING_SECONDS * self.configured_per_second))
        for day, state in self._wanted(today):
            chosen = np.flatnonzero(self.days[day] == state)[:room]
            room -= len(chosen)
            is_served = day >= today - WINDOW_DAYS
            # Of a date whose first requests are refused, no others are worth a request.
            requests = len(chosen) if is_served else min(len(chosen), PROBES_PER_DATE)
            now, answered = self._ask(requests, now, began + RUN_SECONDS, night)
            if is_served:
                settles = day < today - 1 - SETTLE_DAYS
                self.days[day][chosen[:answered]] = SETTLED if settles else COLLECTED
        night.planned, night.seconds = most - room, now - began

    def _wanted(self, today: int) -> list[tuple[int, int]]:
        """Return days and states in the order of a plan: what is missing, then the re-checks."""
        young = today - WINDOW_DAYS + EDGE_DAYS
        settled = [day for day in sorted(self.days) if young <= day < today - 1 - SETTLE_DAYS]
        return [(day, MISSING) for day in sorted(self.days)] + [(day, COLLECTED) for day in settled]

    def _ask(self, requests: int, now: float, until: float, night: Night) -> tuple[float, int]:
        """Ask so many times; return the time it is then, and how many were answered."""
        answered = 0
        while (limit := self.limit) and answered < requests and now < until:
            permits, wait_seconds = limit.grant(now, requests - answered)
            now += wait_seconds
            for number in range(permits):
                at = now + number / limit.per_second
                if not self.vendor.answers(at):
                    limit.record_throttled(at, None, at)
                    night.limited += 1
                    break
                limit.record_response(at, at)
                answered += 1
        night.answered += answered
        return now, answered
