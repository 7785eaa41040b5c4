"""One vendor account, collected night by night with a simulated vendor and clock, without sockets."""

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
MISSING, COLLECTED, SETTLED = 0, 1, 2  # state of an app-day: no points, early points, points of a settled day


class Vendor:
    """Serves a fixed number of requests within any second, and responds to the rest with 429."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._served: deque[float] = deque()

    def serves(self, at: float) -> bool:
        """Return whether a request at this moment is served."""
        while self._served and self._served[0] <= at - 1:
            self._served.popleft()
        if len(self._served) >= self.per_second:
            return False
        self._served.append(at)
        return True


@dataclass
class Night:
    """The result of one run.

    Attributes:
        missing: App-days without points that are still requested.
        lost: App-days without points that are no longer requested since this night.
    """

    planned: int = 0
    served: int = 0
    limited: int = 0
    seconds: float = 0.0
    missing: int = 0
    lost: int = 0


@dataclass
class Account:
    """The ledger of one account's window, with one row per usage date, and the account's rate limiter.

    Attributes:
        apps: Number of apps.
        configured_per_second: The connection's requests_per_second.
        vendor: The vendor, whose limit is unknown to the limiter.
    """

    apps: int
    configured_per_second: float
    vendor: Vendor
    days: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    limit: AdaptiveLimit | None = None

    def night(self, today: int, *, down: bool = False) -> Night:
        """Let a day pass: yesterday is expected, the oldest day is no longer requested, and a run collects.

        Args:
            today: The day's number.
            down: Whether no run takes place.
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
        # As in a run's tasks: after a long pause, the limiter learns the limit again.
        self.limit = AdaptiveLimit.from_json(
            self.limit.to_json() if self.limit else None, self.configured_per_second, now
        )
        room = most = max(1, int(COLLECTING_SECONDS * self.configured_per_second))
        for day, state in self._planned_days(today):
            chosen = np.flatnonzero(self.days[day] == state)[:room]
            room -= len(chosen)
            is_served = day >= today - WINDOW_DAYS
            # If the first requests for a date are refused, the others are not sent.
            requests = len(chosen) if is_served else min(len(chosen), PROBES_PER_DATE)
            now, served = self._request(requests, now, began + RUN_SECONDS, night)
            if is_served:
                settles = day < today - 1 - SETTLE_DAYS
                self.days[day][chosen[:served]] = SETTLED if settles else COLLECTED
        night.planned, night.seconds = most - room, now - began

    def _planned_days(self, today: int) -> list[tuple[int, int]]:
        """Return days and states in the order of a plan: missing days first, then re-checks."""
        young = today - WINDOW_DAYS + EDGE_DAYS
        settled = [day for day in sorted(self.days) if young <= day < today - 1 - SETTLE_DAYS]
        return [(day, MISSING) for day in sorted(self.days)] + [(day, COLLECTED) for day in settled]

    def _request(self, requests: int, now: float, until: float, night: Night) -> tuple[float, int]:
        """Send requests; return the time afterwards and the number of served requests."""
        served = 0
        while (limit := self.limit) and served < requests and now < until:
            permits, wait_seconds = limit.grant(now, requests - served)
            now += wait_seconds
            for number in range(permits):
                at = now + number / limit.per_second
                if not self.vendor.serves(at):
                    limit.record_throttled(at, None, at)
                    night.limited += 1
                    break
                limit.record_response(at, at)
                served += 1
        night.served += served
        return now, served
