"""Sums the points of apps on a five-minute grid, counts absent points and computes figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agora.domain import MINUTES_PER_SLOT, SLOTS_PER_DAY

SECONDS = 60 * MINUTES_PER_SLOT
# Days on either side of the range, for accounts whose usage dates begin earlier or later.
MARGIN = 2
NO_DAY = np.iinfo(np.int64).max
# kbps × 1,000 bits ÷ 8 × 300 s, if a point is the average over its five minutes.
BYTES_A_KBPS = 37_500
FIGURES = ("p95_kbps", "peak_kbps", "peak_at", "mean_kbps", "volume_bytes")


class Sums:
    """Sums per instant of the points of apps in one or several time zones, for a range of usage dates.

    An instant belongs to the earliest of its points' usage dates, as in mart.billing_monthly_total. Without
    points, it belongs to the earliest usage date on which a point was expected. Each instant also has
    the number of apps whose expected point is absent.
    """

    def __init__(self, from_date: date, to_date: date, starts_at: Sequence[int]) -> None:
        """Create an empty grid.

        Args:
            from_date: First usage date.
            to_date: Last usage date, inclusive.
            starts_at: Instant at which `from_date` starts in each time zone, in epoch seconds.
        """
        self.from_date = from_date
        self.days = (to_date - from_date).days + 1
        self.origin = min(starts_at, default=0) - MARGIN * SLOTS_PER_DAY * SECONDS
        spread = (max(starts_at, default=0) - min(starts_at, default=0)) // SECONDS
        slots = (self.days + 2 * MARGIN) * SLOTS_PER_DAY + spread
        self.kbps = np.zeros(slots)
        self.observed = np.zeros(slots, dtype=np.int64)
        self.expected = np.zeros(slots, dtype=np.int64)
        self.day_observed = np.full(slots, NO_DAY)
        self.day_expected = np.full(slots, NO_DAY)
        self.expected_days: set[int] = set()

    def expect(self, starts_at: int, days_of_apps: Sequence[Sequence[int]], today: int) -> None:
        """Add the expected days of the apps in one time zone.

        Args:
            starts_at: Instant at which `from_date` starts in the zone, in epoch seconds.
            days_of_apps: Each app's expected days, counted from `from_date`, at most two days outside the
                range.
            today: Current date in the zone, counted from `from_date`.
        """
        count = self.days + 2 * MARGIN
        expected = np.zeros(count, dtype=np.int64)
        for days in days_of_apps:
            expected[np.array(days) + MARGIN] += 1
        over = expected.copy()
        if 0 < today + MARGIN < count:
            # Apps expected yesterday are expected today. Sums with zones whose day has ended lack these apps.
            expected[today + MARGIN] = expected[today + MARGIN - 1]
        first = (starts_at - self.origin) // SECONDS - MARGIN * SLOTS_PER_DAY
        own = slice(first, first + count * SLOTS_PER_DAY)
        day = np.repeat(np.arange(count) - MARGIN, SLOTS_PER_DAY)
        self.expected[own] += np.repeat(expected, SLOTS_PER_DAY)
        day[np.repeat(over, SLOTS_PER_DAY) == 0] = NO_DAY
        self.day_expected[own] = np.minimum(self.day_expected[own], day)
        self.expected_days.update(number for number in range(self.days) if over[number + MARGIN])

    def add(self, points: Sequence[tuple[Any, ...]]) -> None:
        """Add points, each the sum of one or several apps.

        Args:
            points: Tuples of the usage date (counted from `from_date`, at most two days outside the range),
                the instant (in epoch seconds), the sum of the points in kbps and the number of apps. An
                instant may occur several times.
        """
        if not points:
            return
        days, instants, kbps, apps = (np.array(column) for column in zip(*points, strict=True))
        slots = (instants - self.origin) // SECONDS
        np.add.at(self.kbps, slots, kbps)
        np.add.at(self.observed, slots, apps)
        np.minimum.at(self.day_observed, slots, days)

    def series(self) -> dict[str, Any]:
        """Return the points of the range, the figures for the range and the figures for each day."""
        day = np.where(self.observed > 0, self.day_observed, self.day_expected)
        inside = (day >= 0) & (day < self.days)
        there = inside & (self.observed > 0)
        absent = np.where(inside, self.expected - self.observed, 0)
        shown = np.flatnonzero(inside)
        first, end = (int(shown[0]), int(shown[-1]) + 1) if len(shown) else (0, 0)
        return {
            "interval_start": self._instant(first),
            "interval_seconds": SECONDS,
            "kbps": _rounded(np.where(there, self.kbps, np.nan)[first:end]).tolist(),
            "absent_apps": absent[first:end].tolist(),
            "figures": {
                **self._figures(there, absent),
                "expected_points": SLOTS_PER_DAY * len(self.expected_days),
                "most_absent_apps": int(absent[there].max(initial=0)),
            },
            "days": [
                {
                    "usage_date": self.from_date + timedelta(days=number),
                    **self._figures(there & (day == number), absent),
                    "expected_points": SLOTS_PER_DAY,
                }
                for number in sorted(self.expected_days)
            ],
        }

    def _figures(self, there: NDArray[np.bool_], absent: NDArray[np.int64]) -> dict[str, Any]:
        """Return the figures for some of the points. Without points, all figures but the counts are None."""
        slots = np.flatnonzero(there)
        kbps = self.kbps[slots]
        points = len(kbps)
        counts = {"points": points, "points_lacking_apps": int(np.count_nonzero(absent[slots]))}
        if not points:
            return {**counts, **dict.fromkeys(FIGURES)}
        # Drop the floor(5 N / 100) highest points and take the next one (docs/billing.md).
        rank = points - 1 - 5 * points // 100
        peak = int(kbps.argmax())
        return {
            **counts,
            "p95_kbps": float(_rounded(np.partition(kbps, rank)[rank])),
            "peak_kbps": float(_rounded(kbps[peak])),
            "peak_at": self._instant(int(slots[peak])),
            "mean_kbps": float(_rounded(kbps.mean())),
            "volume_bytes": volume_bytes(kbps),
        }

    def _instant(self, slot: int) -> datetime:
        return datetime.fromtimestamp(self.origin + slot * SECONDS, UTC)


def _rounded(kbps: Any) -> Any:
    """Round rates half up to three decimal places, as mart does."""
    return np.floor(kbps * 1000 + 0.5) / 1000


def volume_bytes(kbps: NDArray[np.float64]) -> Decimal:
    """Return the number of bytes that five-minute points carry. The result is exact for whole kbps.

    Neither a double nor a 64-bit integer can hold a month's sum exactly. The function therefore sums the high
    and the low 32 bits of the whole kbps separately and joins the two sums as Python integers.

    Args:
        kbps: One rate per point, without gaps, each below 2**63.
    """
    whole = np.trunc(kbps)
    high, low = np.divmod(whole.astype(np.int64), 2**32)
    whole_kbps = (int(high.sum()) << 32) + int(low.sum())
    fraction = float((kbps - whole).sum())
    return Decimal(whole_kbps * BYTES_A_KBPS + floor(fraction * BYTES_A_KBPS + 0.5))
