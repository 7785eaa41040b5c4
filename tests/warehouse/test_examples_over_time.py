"""The queries in sql/examples that compare days, weeks and months equal figures computed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median_low
from typing import Any

import pytest

from tests.warehouse.database import App, AppDay, Points, Warehouse, days_between
from tests.warehouse.reference import figures_of_day, month_of, observed, percentile_95
from tests.warehouse.test_examples import mbps, near, run_example

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def month_before(month: date) -> date:
    return month_of(month - timedelta(days=1))


def next_month(month: date) -> date:
    return month_of(month + timedelta(days=31))


def days_ago(number: int) -> date:
    return TODAY - timedelta(days=number)


LAST_MONTH = month_before(month_of(TODAY))
FIRST = month_before(month_before(LAST_MONTH))
DAYS = days_between(FIRST, YESTERDAY)
MISSING = {("growing", days_ago(2)), ("growing", LAST_MONTH + timedelta(days=4)), ("wild", LAST_MONTH)}
LATE_FROM = days_ago(20)


def steady(day: date) -> list[float | None]:
    """Return the same grid for every day but four."""
    usual: list[float | None] = [1_000.0 + slot for slot in range(288)]
    odd: dict[date, list[float | None]] = {
        days_ago(3): [*usual[:100], 4_000.0, *usual[101:]],  # a higher peak, hardly more volume
        days_ago(5): [*[0.0] * 287, usual[287]],  # the usual peak, hardly any volume
        days_ago(8): [
            1.125 * point for point in usual if point is not None
        ],  # higher, but below the threshold
        days_ago(10): [*usual[:100], *[None] * 188],  # incomplete
    }
    return odd.get(day, usual)


def growing(day: date) -> list[float | None]:
    return [20_000.0 + 25 * (day - FIRST).days + slot / 4 for slot in range(288)]


def wild(day: date) -> list[float | None]:
    """Return days that differ widely from week to week, so that no difference is unusual."""
    return [3_000.0 * (1 + (day - FIRST).days // 7 * 3 % 5) + slot for slot in range(288)]


def late(day: date) -> list[float | None]:
    """Return very unusual days that are too recent to be compared."""
    return [50_000.0 * ((day - FIRST).days % 2)] * 288


GRIDS: dict[str, Callable[[date], list[float | None]]] = {
    "steady": steady,
    "growing": growing,
    "wild": wild,
    "late": late,
}


def points_of(app_id: str, day: date) -> Points | None:
    """Return the day's grid, or None if the day failed or is not expected."""
    missing = (app_id, day) in MISSING or (app_id == "late" and day < LATE_FROM)
    return None if missing else GRIDS[app_id](day)


def configured_days(app_id: str, days: Iterable[date]) -> list[date]:
    return [day for day in days if app_id != "late" or day >= LATE_FROM]


@pytest.fixture(scope="module")
def filled(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps(App(app_id, LATE_FROM if app_id == "late" else FIRST) for app_id in GRIDS)
    module_warehouse.add_days(
        AppDay(app_id, day, points_of(app_id, day))
        for app_id in GRIDS
        for day in configured_days(app_id, DAYS)
    )
    return module_warehouse


def gigabytes(app_id: str, days: Iterable[date]) -> float | None:
    """Return the app's volume, or None without any point."""
    points = [point for day in days for point in observed(points_of(app_id, day))]
    return sum(points) * 37_500 / 1e9 if points else None


def peak_mbps(app_id: str, days: Iterable[date]) -> Decimal | None:
    return mbps(max((point for day in days for point in observed(points_of(app_id, day))), default=None))


def count(app_id: str, days: Iterable[date]) -> int:
    return sum(len(observed(points_of(app_id, day))) for day in days)


def compare(rows: list[dict[str, Any]], now: list[date], before: list[date], name: str, peak: str) -> None:
    """Compare each app's row with the figures of the two periods."""
    assert {row["app_id"] for row in rows} == {
        app_id for app_id in GRIDS if configured_days(app_id, now + before)
    }
    for row in rows:
        app_id = row["app_id"]
        volume, volume_before = gigabytes(app_id, now), gigabytes(app_id, before)
        assert row["gigabytes"] == near(volume)
        assert row[f"gigabytes_{name}"] == near(volume_before)
        is_compared = count(app_id, now) == count(app_id, before) == 288 * len(now)
        change = 100 * volume / volume_before - 100 if is_compared and volume and volume_before else None
        assert row["change_percent"] == near(change)
        assert (row["peak_mbps"], row[peak]) == (peak_mbps(app_id, now), peak_mbps(app_id, before))
        assert (row["points"], row[f"points_{name}"]) == (count(app_id, now), count(app_id, before))
    volumes = [row["gigabytes"] for row in rows if row["gigabytes"] is not None]
    assert volumes == sorted(volumes, reverse=True)


def test_month_to_date(filled: Warehouse) -> None:
    this_month = month_of(YESTERDAY)
    now = days_between(this_month, YESTERDAY)
    previous = days_between(month_before(this_month), this_month - timedelta(days=1))
    before = [day for day in previous if day.day <= YESTERDAY.day]
    compare(run_example(filled, "15_month_to_date"), now, before, "last_month", "peak_last_month_mbps")


def test_week_on_week(filled: Warehouse) -> None:
    monday = TODAY - timedelta(days=TODAY.weekday())
    now, before = (
        days_between(monday - timedelta(days=7 * n), monday - timedelta(days=7 * n - 6)) for n in (1, 2)
    )
    compare(run_example(filled, "60_week_on_week"), now, before, "week_before", "peak_week_before_mbps")


def test_volume_by_month(filled: Warehouse) -> None:
    rows = run_example(filled, "25_volume_by_month")
    months = sorted({month_of(day) for day in DAYS}, reverse=True)
    expected = {
        (month, app_id): days
        for month in months
        for app_id in GRIDS
        if (days := configured_days(app_id, [day for day in DAYS if month_of(day) == month]))
    }
    assert {(row["month"], row["app_id"]) for row in rows} == set(expected)
    for row in rows:
        app_id, days = row["app_id"], expected[row["month"], row["app_id"]]
        assert row["gigabytes"] == near(gigabytes(app_id, days))
        assert (row["points"], row["expected_points"]) == (count(app_id, days), 288 * len(days))
        month_end = next_month(row["month"]) - timedelta(days=1)
        expected_days = configured_days(app_id, days_between(row["month"], month_end))
        if month_end >= TODAY:
            status = "running"
        elif row["points"] < row["expected_points"]:
            status = "incomplete"
        else:
            status = "final" if len(expected_days) == month_end.day else "part of the month"
        assert (row["status"], row["expected_days"], row["calendar_days"]) == (
            status,
            len(expected_days),
            month_end.day,
        )
    order = [(row["month"], row["gigabytes"] or 0) for row in rows]
    assert order == sorted(order, reverse=True)


def sums_of(day: date) -> list[float]:
    """Return the sum of the apps' points in each slot of the day."""
    grids = [grid for app_id in GRIDS if (grid := points_of(app_id, day)) is not None]
    return [sum(point for point in points if point is not None) for points in zip(*grids, strict=True)]


def test_capacity_trend(filled: Warehouse) -> None:
    rows = run_example(filled, "45_capacity_trend")
    months = sorted({month_of(day) for day in DAYS})
    p95s = [
        percentile_95(
            sorted((kbps for day in DAYS if month_of(day) == month for kbps in sums_of(day)), reverse=True)
        )
        for month in months
    ]
    assert [(row["month"], row["p95_mbps"]) for row in rows] == [
        (month, mbps(kbps)) for month, kbps in zip(months, p95s, strict=True)
    ]
    assert [row["days"] for row in rows] == [sum(month_of(day) == month for day in DAYS) for month in months]
    first, second = (kbps / 1000 for kbps in p95s[:2] if kbps is not None)
    assert (rows[0]["growth_mbps"], rows[0]["growth_percent"], rows[0]["trend_mbps"]) == (None, None, None)
    assert rows[1]["growth_mbps"] == near(second - first)
    assert rows[1]["growth_percent"] == near(100 * (second - first) / first)
    assert rows[1]["trend_mbps"] == near(second - first)
    # Last month lacks points and this month is running, so neither is compared or part of the trend.
    assert [row["status"] for row in rows[:3]] == ["final", "final", "incomplete"]
    assert [(row["growth_mbps"], row["growth_percent"]) for row in rows[2:]] == [(None, None)] * len(rows[2:])
    assert [row["trend_mbps"] for row in rows[2:]] == [near(second - first)] * len(rows[2:])


@pytest.mark.parametrize(("collect_from", "status"), [(None, "part of the month"), ("own", "final")])
def test_four_days_of_a_month_are_not_compared(
    warehouse: Warehouse, collect_from: str | None, status: str
) -> None:
    """No example compares a month that was collected only from its 28th day."""
    first = month_before(LAST_MONTH) + timedelta(days=27)
    warehouse.add_account()
    warehouse.add_apps([App("late", first)])
    if collect_from:
        warehouse.run("update core.app set collect_from = %s", (first,))
    warehouse.add_days(AppDay("late", day, [8.0] * 288) for day in days_between(first, YESTERDAY))
    trend = run_example(warehouse, "45_capacity_trend")
    assert [row["status"] for row in trend[:2]] == [status, "final"]
    assert {(row["growth_mbps"], row["growth_percent"], row["trend_mbps"]) for row in trend} == {
        (None, None, None)
    }
    volumes = {row["month"]: row for row in run_example(warehouse, "25_volume_by_month")}
    part = volumes[month_of(first)]
    assert (part["status"], part["expected_days"]) == (status, (LAST_MONTH - first).days)


def test_busiest_five_minutes(filled: Warehouse) -> None:
    rows = run_example(filled, "55_busiest_five_minutes")
    points = [
        (-kbps, datetime.combine(day, datetime.min.time(), UTC) + slot * timedelta(minutes=5), day, slot)
        for day in DAYS
        if month_of(day) == LAST_MONTH
        for slot, kbps in enumerate(sums_of(day))
    ]
    for row, (negative, instant, day, slot) in zip(rows, sorted(points)[:10], strict=True):
        of_apps = {app_id: grid[slot] for app_id in GRIDS if (grid := points_of(app_id, day)) is not None}
        carried = {app_id: kbps for app_id, kbps in of_apps.items() if kbps is not None}
        largest = max(carried, key=lambda app_id: carried[app_id])
        assert (row["interval_start"], row["total_mbps"]) == (instant, mbps(-negative))
        assert (row["apps"], row["largest_app_id"]) == (len(carried), largest)
        assert row["largest_app_mbps"] == mbps(carried[largest])
        assert row["largest_app_percent"] == near(100 * carried[largest] / -negative)


def unusual(app_id: str, day: date, figure: str) -> tuple[float, float, float] | None:
    """Return the value, median and MAD of an unusual day, by the rule in the query's header."""

    def value(of: date) -> float | None:
        figures = figures_of_day(points_of(app_id, of))
        if of not in DAYS or figures["points"] < 288:
            return None
        return float(figures["peak_kbps"]) / 1000 if figure == "peak_mbps" else figures["volume_bytes"] / 1e9

    before = [value(day - timedelta(days=7 * weeks)) for weeks in range(1, 9)]
    known = [other for other in before if other is not None]
    here = value(day)
    if here is None or len(known) < 4:
        return None
    median = median_low(known)
    mad = median_low(abs(other - median) for other in known)
    far = abs(here - median) > 3.5 * 1.4826 * mad and abs(here - median) > median / 5
    return (here, median, mad) if far else None


def test_unusual_days(filled: Warehouse) -> None:
    rows = run_example(filled, "70_unusual_days")
    expected = {
        (day, app_id, figure): found
        for day in days_between(days_ago(28), YESTERDAY)
        for app_id in GRIDS
        for figure in ("gigabytes", "peak_mbps")
        if (found := unusual(app_id, day, figure)) is not None
    }
    assert {key[:3] for key in expected} >= {
        (days_ago(3), "steady", "peak_mbps"),
        (days_ago(5), "steady", "gigabytes"),
    }
    row_of = {(row["usage_date"], row["app_id"], row["measure"]): row for row in rows}
    assert set(row_of) == set(expected)
    for key, (here, median, mad) in expected.items():
        row = row_of[key]
        assert (row["value"], row["median"], row["mad"]) == (near(here), near(median), near(mad))
        assert row["difference_percent"] == near(100 * (here - median) / median)
    steady_days = {key[0] for key in expected if key[1] == "steady"}
    assert steady_days == {days_ago(3), days_ago(5)}, (
        "one unusual day among the eight before does not move the median"
    )
    assert not {key for key in expected if key[1] == "late"}, (
        "days with fewer than four weeks before them are not compared"
    )
