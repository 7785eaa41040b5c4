"""The bills once more, by hand: sorted lists and integer ranks, from their definitions, not from the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import fsum
from typing import Any

Figures = dict[str, Any]


def mean(values: Sequence[float]) -> float | None:
    """Return the quotient, rounded once."""
    return float(total(values) / len(values)) if values else None


def total(values: Sequence[float]) -> Fraction:
    """Return the sum, which is exact for quarters of whole numbers."""
    return Fraction(fsum(values))


def rank(descending: Sequence[float], number: int) -> float | None:
    """Return the value of a 1-based rank, None where there are fewer."""
    return descending[number - 1] if number <= len(descending) else None


def percentile_95(descending: Sequence[float]) -> float | None:
    """Drop the floor(5 N / 100) highest and take the next."""
    return rank(descending, 5 * len(descending) // 100 + 1)


def observed(kbps: Iterable[float | None] | None) -> list[float]:
    """Return the points there are, in descending order."""
    return sorted((point for point in kbps or () if point is not None), reverse=True)


def figures_of_day(kbps: Iterable[float | None] | None) -> Figures:
    """Return mart.bandwidth_daily's figures of one day."""
    points = observed(kbps)
    return {
        "points": len(points),
        "expected_points": 288,
        "mean_kbps": mean(points),
        "peak_kbps": rank(points, 1),
        "p95_kbps": percentile_95(points),
        "fifth_peak_kbps": rank(points, 5),
        # 1 kbps for 300 s is 300,000 bits, 37,500 bytes.
        "volume_bytes": int(total(points) * 37_500) if points else None,
    }


def figures_of_month(days: Iterable[Iterable[float | None] | None]) -> Figures:
    """Return the figures over the points of a month's days."""
    with_points = [points for points in map(observed, days) if points]
    every_point = sorted((point for points in with_points for point in points), reverse=True)
    peaks = sorted((points[0] for points in with_points), reverse=True)
    fifths = sorted((points[4] for points in with_points if len(points) >= 5), reverse=True)
    ninety_fifths = [points[5 * len(points) // 100] for points in with_points]
    return {
        "points": len(every_point),
        "days": len(with_points),
        "days_with_traffic": sum(points[0] > 0 for points in with_points),
        "p95_kbps": percentile_95(every_point),
        "peak_kbps": rank(every_point, 1),
        "mean_daily_peak_kbps": mean(peaks),
        "mean_daily_p95_kbps": mean(ninety_fifths),
        "fourth_peak_kbps": rank(peaks, 4),
        "top_five_mean_kbps": mean(fifths[:5]),
    }


def month_of(day: date) -> date:
    """Return the first day of a date's month."""
    return day.replace(day=1)


def month_is_over(month: date, today: date) -> bool:
    """Tell whether today lies behind the month."""
    return month_of(today) > month


def bills(days: Mapping[date, Iterable[float | None] | None], today: date) -> list[Figures]:
    """Return mart.billing_monthly of one app.

    Args:
        days: Each wanted day, today and later ones included, with its grid or None.
        today: In the account's time zone.
    """
    bills = []
    wanted = {day: kbps for day, kbps in days.items() if day < today}
    for month in sorted(set(map(month_of, wanted))):
        of_month = [kbps for day, kbps in wanted.items() if month_of(day) == month]
        figures = figures_of_month(of_month)
        expected = 288 * len(of_month)
        final = month_is_over(month, today) and figures["points"] == expected
        bills.append({"month": month, "expected_points": expected, **figures, "is_final": final})
    return bills


def total_bills(
    app_days: Iterable[tuple[str, date, datetime, Iterable[float | None] | None]], today: date
) -> list[Figures]:
    """Return mart.billing_monthly_total.

    Args:
        app_days: Each wanted app-day up to yesterday: app, usage date, start, grid or None.
        today: The earliest date that today is in the accounts' time zones.
    """
    sums: dict[datetime, float] = {}
    day_of: dict[datetime, date] = {}
    wanted: dict[date, list[tuple[date, int]]] = {}
    for _, usage_date, starts_at, kbps in app_days:
        wanted.setdefault(month_of(usage_date), []).append((usage_date, len(observed(kbps))))
        for slot, point in enumerate(kbps or ()):
            if point is not None:
                instant = starts_at + slot * timedelta(minutes=5)
                sums[instant] = sums.get(instant, 0) + point
                day_of[instant] = min(usage_date, day_of.get(instant, usage_date))
    days: dict[date, list[float]] = {}
    for instant, kbps_of_all in sums.items():
        days.setdefault(day_of[instant], []).append(kbps_of_all)
    bills = []
    for month, entries in sorted(wanted.items()):
        app_points = sum(points for _, points in entries)
        bills.append(
            {
                "month": month,
                "expected_points": 288 * len({day for day, _ in entries}),
                **figures_of_month([points for day, points in days.items() if month_of(day) == month]),
                "is_final": month_is_over(month, today) and app_points == 288 * len(entries),
                "app_points": app_points,
                "expected_app_points": 288 * len(entries),
            }
        )
    return bills
