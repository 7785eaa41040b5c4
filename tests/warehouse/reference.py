"""Reference implementation of the bills in plain Python, based on the definitions and not on the SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import fsum
from typing import Any

Figures = dict[str, Any]
Grid = Sequence[float | None] | None


def rounded(kbps: float | None) -> Decimal | None:
    """Return a value with three decimal places, half rounded up, as PostgreSQL rounds a numeric."""
    return None if kbps is None else Decimal(f"{kbps:.15g}").quantize(Decimal("0.001"), ROUND_HALF_UP)


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, rounded once, or None if there are no values."""
    return float(total(values) / len(values)) if values else None


def total(values: Sequence[float]) -> Fraction:
    """Return the sum. The sum is exact for multiples of a quarter."""
    return Fraction(fsum(values))


def rank(descending: Sequence[float], number: int) -> float | None:
    """Return the value at a 1-based rank, or None if there are fewer values."""
    return descending[number - 1] if number <= len(descending) else None


def percentile_95(descending: Sequence[float]) -> float | None:
    """Drop the floor(5 N / 100) highest values and return the next."""
    return rank(descending, 5 * len(descending) // 100 + 1)


def observed(kbps: Iterable[float | None] | None) -> list[float]:
    """Return the points that are not absent, in descending order."""
    return sorted((point for point in kbps or () if point is not None), reverse=True)


def figures_of_day(kbps: Iterable[float | None] | None) -> Figures:
    """Return the figures in mart.bandwidth_daily for one day."""
    points = observed(kbps)
    return {
        "points": len(points),
        "expected_points": 288,
        "mean_kbps": rounded(mean(points)),
        "peak_kbps": rounded(rank(points, 1)),
        "p95_kbps": rounded(percentile_95(points)),
        "fifth_peak_kbps": rounded(rank(points, 5)),
        # 1 kbps for 300 s is 300,000 bits, 37,500 bytes.
        "volume_bytes": int(total(points) * 37_500) if points else None,
    }


def figures_of_month(days: Iterable[Iterable[float | None] | None]) -> Figures:
    """Return a month's figures, computed from the points of its days."""
    with_points = [points for points in map(observed, days) if points]
    every_point = sorted((point for points in with_points for point in points), reverse=True)
    peaks = sorted((points[0] for points in with_points), reverse=True)
    fifths = sorted((points[4] for points in with_points if len(points) >= 5), reverse=True)
    ninety_fifths = [points[5 * len(points) // 100] for points in with_points]
    return {
        "points": len(every_point),
        "days": len(with_points),
        "days_with_traffic": sum(points[0] > 0 for points in with_points),
        "p95_kbps": rounded(percentile_95(every_point)),
        "peak_kbps": rounded(rank(every_point, 1)),
        "mean_daily_peak_kbps": rounded(mean(peaks)),
        "mean_daily_p95_kbps": rounded(mean(ninety_fifths)),
        "fourth_peak_kbps": rounded(rank(peaks, 4)),
        "top_five_mean_kbps": rounded(mean(fifths[:5])),
    }


def month_of(day: date) -> date:
    """Return the first day of a date's month."""
    return day.replace(day=1)


def month_is_over(month: date, today: date) -> bool:
    """Return whether the month has ended."""
    return month_of(today) > month


def days_of_month(month: date) -> list[date]:
    """Return every calendar day of a month."""
    return [month + timedelta(days=n) for n in range(31) if month_of(month + timedelta(days=n)) == month]


@dataclass(frozen=True)
class Expected:
    """One app's expected days.

    Attributes:
        days: Each expected day, including future days, and each past day with points → its grid or None.
        today: The date in the account's time zone.
        collect_from: First day to collect, if configured.
        collect_until: Last day to collect, if configured.
    """

    days: Mapping[date, Grid]
    today: date
    collect_from: date | None = None
    collect_until: date | None = None

    def past(self, month: date) -> dict[date, Grid]:
        """Return the month's days up to yesterday."""
        return {day: kbps for day, kbps in self.days.items() if month_of(day) == month and day < self.today}

    def months(self) -> list[date]:
        """Return the months that have a bill."""
        return sorted({month_of(day) for day in self.days if day < self.today})

    def expected_days(self, month: date) -> set[date]:
        """Return the month's expected days, including future days."""
        return {day for day in self.days if month_of(day) == month}

    def is_excluded(self, day: date) -> bool:
        """Return whether the configuration excludes a day."""
        too_early = self.collect_from is not None and day < self.collect_from
        return too_early or (self.collect_until is not None and day > self.collect_until)

    def status(self, month: date) -> str:
        """Return the status of the month's bill."""
        past = self.past(month)
        if not month_is_over(month, self.today):
            return "running"
        if any(len(observed(kbps)) < 288 for kbps in past.values()):
            return "incomplete"
        if any(day not in past and not self.is_excluded(day) for day in days_of_month(month)):
            return "part of the month"
        return "final"


def bills(expected: Expected) -> list[Figures]:
    """Return the rows of mart.billing_monthly for one app."""
    return [
        {
            "month": month,
            "status": expected.status(month),
            "is_final": expected.status(month) == "final",
            "expected_points": 288 * len(expected.past(month)),
            "calendar_days": len(days_of_month(month)),
            "expected_days": len(expected.expected_days(month)),
            **figures_of_month(expected.past(month).values()),
        }
        for month in expected.months()
    ]


def total_bills(apps: Mapping[str, Expected], starts_at: Callable[[str, date], datetime]) -> list[Figures]:
    """Return the rows of mart.billing_monthly_total.

    Args:
        apps: Each app's expected days.
        starts_at: Returns the start of an app's day.
    """
    sums: dict[datetime, float] = {}
    day_of: dict[datetime, date] = {}
    for app_id, app in apps.items():
        for usage_date, kbps in app.days.items():
            if usage_date >= app.today:
                continue
            start = starts_at(app_id, usage_date)
            for slot, point in enumerate(kbps or ()):
                if point is not None:
                    instant = start + slot * timedelta(minutes=5)
                    sums[instant] = sums.get(instant, 0) + point
                    day_of[instant] = min(usage_date, day_of.get(instant, usage_date))
    days: dict[date, list[float]] = {}
    for instant, kbps_of_all in sums.items():
        days.setdefault(day_of[instant], []).append(kbps_of_all)
    bills = []
    for month in sorted({month for app in apps.values() for month in app.months()}):
        billed = [app for app in apps.values() if month in app.months()]
        past = [app.past(month) for app in billed]
        statuses = {app.status(month) for app in billed}
        app_points = sum(len(observed(kbps)) for app_days in past for kbps in app_days.values())
        expected_app_points = 288 * sum(map(len, past))
        if "running" in statuses:
            status = "running"
        elif app_points < expected_app_points:
            status = "incomplete"
        else:
            status = "part of the month" if "part of the month" in statuses else "final"
        bills.append(
            {
                "month": month,
                "status": status,
                "is_final": status == "final",
                "expected_points": 288 * len(set().union(*past)),
                "calendar_days": len(days_of_month(month)),
                "expected_days": len(set().union(*(app.expected_days(month) for app in billed))),
                **figures_of_month([points for day, points in days.items() if month_of(day) == month]),
                "app_points": app_points,
                "expected_app_points": expected_app_points,
            }
        )
    return bills
