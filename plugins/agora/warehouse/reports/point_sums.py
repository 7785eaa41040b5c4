"""Points of apps, summed on one five-minute grid: what is there, what is absent, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS = 300
SLOTS = 288
# Days on either side of the range, of accounts whose usage dates begin earlier or later.
MARGIN = 2
NO_DAY = np.iinfo(np.int64).max
# kbps × 1,000 bits ÷ 8 × 300 s, if a point is the average of its five minutes.
BYTES_A_KBPS = 37_500
FIGURES = ("p95_kbps", "peak_kbps", "peak_at", "mean_kbps", "volume_bytes")


class Sums:
    """Sums by instant of apps in one or several time zones, over usage dates from a first to a last one.

    An instant belongs to the earliest of its points' usage dates, as in mart.billing_monthly_total; without
    points, to the earliest usage date on which one was wanted. A sum is over the points there are; beside it
    stands how many apps were wanted at that instant and have no point.
    """

    def __init__(self, from_date: date, to_date: date, starts_at: Sequence[int]) -> None:
        """Make an empty grid.

        Args:
            from_date: First usage date.
            to_date: Last usage date, included.
            starts_at: Instant at which `from_date` starts in each time zone, epoch seconds.
        """
        self.from_date = from_date
        self.days = (to_date - from_date).days + 1
        self.origin = min(starts_at, default=0) - MARGIN * SLOTS * SECONDS
        spread = (max(starts_at, default=0) - min(starts_at, default=0)) // SECONDS
        slots = (self.days + 2 * MARGIN) * SLOTS + spread
        self.kbps = np.zeros(slots)
        self.observed = np.zeros(slots, dtype=np.int64)
        self.wanted = np.zeros(slots, dtype=np.int64)
        self.day_observed = np.full(slots, NO_DAY)
        self.day_wanted = np.full(slots, NO_DAY)
        self.wanted_days: set[int] = set()

    def want(self, starts_at: int, days_of_apps: Sequence[Sequence[int]], today: int) -> None:
        """Say what is wanted of the apps of one time zone.

        Args:
            starts_at: Instant at which `from_date` starts there, epoch seconds.
            days_of_apps: Each app's wanted days, counted from `from_date`, at most two outside the range.
            today: The zone's date, counted likewise; it is not over.
        """
        count = self.days + 2 * MARGIN
        wanted = np.zeros(count, dtype=np.int64)
        for days in days_of_apps:
            wanted[np.array(days) + MARGIN] += 1
        over = wanted.copy()
        if 0 < today + MARGIN < count:
            # Today is expected of whoever was wanted yesterday: a sum with apps whose day is over lacks it.
            wanted[today + MARGIN] = wanted[today + MARGIN - 1]
        first = (starts_at - self.origin) // SECONDS - MARGIN * SLOTS
        own = slice(first, first + count * SLOTS)
        day = np.repeat(np.arange(count) - MARGIN, SLOTS)
        self.wanted[own] += np.repeat(wanted, SLOTS)
        day[np.repeat(over, SLOTS) == 0] = NO_DAY
        self.day_wanted[own] = np.minimum(self.day_wanted[own], day)
        self.wanted_days.update(number for number in range(self.days) if over[number + MARGIN])

    def observe(self, points: Sequence[tuple[Any, ...]]) -> None:
        """Add points of apps, summed by some.

        Args:
            points: Usage date (counted from `from_date`, at most two outside the range), instant (epoch
                seconds), sum of the apps' points in kbps, how many apps. One instant may come several times.
        """
        if not points:
            return
        days, instants, kbps, apps = (np.array(column) for column in zip(*points, strict=True))
        slots = (instants - self.origin) // SECONDS
        np.add.at(self.kbps, slots, kbps)
        np.add.at(self.observed, slots, apps)
        np.minimum.at(self.day_observed, slots, days)

    def series(self) -> dict[str, Any]:
        """Return the range's points, from its first to its last slot, its figures and those of each day."""
        day = np.where(self.observed > 0, self.day_observed, self.day_wanted)
        inside = (day >= 0) & (day < self.days)
        there = inside & (self.observed > 0)
        absent = np.where(inside, self.wanted - self.observed, 0)
        shown = np.flatnonzero(inside)
        first, end = (int(shown[0]), int(shown[-1]) + 1) if len(shown) else (0, 0)
        return {
            "interval_start": self._instant(first),
            "interval_seconds": SECONDS,
            "kbps": np.where(there, self.kbps, np.nan)[first:end].tolist(),
            "absent_apps": absent[first:end].tolist(),
            "figures": {
                **self._figures(there, absent),
                "expected_points": SLOTS * len(self.wanted_days),
                "most_absent_apps": int(absent[there].max(initial=0)),
            },
            "days": [
                {
                    "usage_date": self.from_date + timedelta(days=number),
                    **self._figures(there & (day == number), absent),
                    "expected_points": SLOTS,
                }
                for number in sorted(self.wanted_days)
            ],
        }

    def _figures(self, there: NDArray[np.bool_], absent: NDArray[np.int64]) -> dict[str, Any]:
        """Return the figures over some of the points; all but the counts are None without any."""
        slots = np.flatnonzero(there)
        kbps = self.kbps[slots]
        points = len(kbps)
        counts = {"points": points, "points_lacking_apps": int(np.count_nonzero(absent[slots]))}
        if not points:
            return {**counts, **dict.fromkeys(FIGURES)}
        # Drop the floor(5 N / 100) highest and take the next (docs/billing.md).
        rank = points - 1 - 5 * points // 100
        peak = int(kbps.argmax())
        return {
            **counts,
            "p95_kbps": float(np.partition(kbps, rank)[rank]),
            "peak_kbps": float(kbps[peak]),
            "peak_at": self._instant(int(slots[peak])),
            "mean_kbps": float(kbps.mean()),
            "volume_bytes": volume_bytes(kbps),
        }

    def _instant(self, slot: int) -> datetime:
        return datetime.fromtimestamp(self.origin + slot * SECONDS, UTC)


def volume_bytes(kbps: NDArray[np.float64]) -> Decimal:
    """Return the whole bytes carried by five-minute points, exact for whole kbps.

    Neither a double nor 64 bits hold a month's sum exactly. The function therefore sums the high and the low
    32 bits of the whole kbps separately and joins the two sums as Python integers.

    Args:
        kbps: One rate per point, without gaps, each below 2**63.
    """
    whole = np.trunc(kbps)
    high, low = np.divmod(whole.astype(np.int64), 2**32)
    whole_kbps = (int(high.sum()) << 32) + int(low.sum())
    fraction = float((kbps - whole).sum())
    return Decimal(whole_kbps * BYTES_A_KBPS + floor(fraction * BYTES_A_KBPS + 0.5))
