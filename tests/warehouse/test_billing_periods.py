"""Bills of billing groups and of arbitrary periods, against a brute force over all points."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between, named
from tests.warehouse.reference import rounded

FIRST, LAST = date(2024, 1, 20), date(2024, 5, 10)
ZONES = ("UTC", "Asia/Shanghai", "Etc/GMT+12", "Pacific/Kiritimati")
GROUPS = ("north", "south", None)
ORIGIN = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) - timedelta(days=2)
SLOTS = ((LAST - FIRST).days + 5) * 288
NO_POINT = np.iinfo(np.int64).max


@dataclass(frozen=True)
class BilledApp:
    """An app and everything that its bill depends on.

    Attributes:
        app_id: The App ID.
        group: Its billing group.
        days: Expected days and days with points.
        collect_from: First configured day, None without one.
        collect_until: Last configured day, None without one.
        kbps: Points by instant (five-minute slots since ORIGIN), NaN where absent.
        ordinal: Usage date by instant, as an ordinal, NO_POINT where no point is.
    """

    app_id: str
    group: str
    days: frozenset[date]
    collect_from: date | None
    collect_until: date | None
    kbps: Any
    ordinal: Any

    def is_configured(self, day: date) -> bool:
        too_early = self.collect_from is not None and day < self.collect_from
        return not (too_early or (self.collect_until is not None and day > self.collect_until))


def generated_apps(count: int = 14) -> tuple[list[App], list[AppDay], list[BilledApp], list[tuple[Any, ...]]]:
    """Return apps with gaps, ties, several zones, late starts and early ends."""
    luck = random.Random(5)
    rng = np.random.default_rng(5)
    apps, entries, billed, configured = [], [], [], []
    for number in range(count):
        zone = ZONES[number % len(ZONES)]
        start = FIRST + timedelta(luck.choice((0, 0, 12, 40)))
        end = LAST - timedelta(luck.choice((0, 0, 9, 50)))
        collect_from = start if luck.random() < 0.4 else None
        collect_until = end if luck.random() < 0.4 else None
        group = luck.choice(GROUPS)
        app = App(f"app {number}", start, end, zone)
        kbps = np.full(SLOTS, np.nan)
        ordinal = np.full(SLOTS, NO_POINT)
        has_gaps = luck.random() < 0.5
        for day in days_between(start, end):
            grid: Any = traffic.values(rng) if luck.random() < 0.7 else [float(luck.randrange(3))] * 288
            if has_gaps and luck.random() < 0.2:
                grid = traffic.with_gaps(grid, rng) if luck.random() < 0.7 else None
            entries.append(AppDay(app.app_id, day, grid))
            if grid:
                midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
                at = int((midnight - ORIGIN) / timedelta(minutes=5))
                points = np.array(grid, dtype=float)
                kbps[at : at + 288] = points
                ordinal[at : at + 288] = np.where(np.isnan(points), NO_POINT, day.toordinal())
        apps.append(app)
        configured.append((group, collect_from, collect_until, app.app_id))
        days = frozenset(days_between(start, end))
        billed.append(BilledApp(app.app_id, group or zone, days, collect_from, collect_until, kbps, ordinal))
    return apps, entries, billed, configured


@pytest.fixture(scope="module")
def filled(module_warehouse: Warehouse) -> tuple[Warehouse, list[BilledApp]]:
    for zone in ZONES:
        module_warehouse.add_account(zone, conn_id=zone)
    apps, entries, billed, configured = generated_apps()
    module_warehouse.add_apps(apps)
    with module_warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "update core.app set billing_group = %s, collect_from = %s, collect_until = %s where app_id = %s",
            configured,
        )
    module_warehouse.add_days(entries)
    return module_warehouse, billed


def figures(apps: Sequence[BilledApp], first: date, last: date) -> dict[str, Any]:
    """Sum the points of apps by instant, then rank the sums of the instants whose earliest date is inside."""
    kbps = np.array([app.kbps for app in apps])
    has_point = ~np.isnan(kbps).all(axis=0)
    day_of = np.min([app.ordinal for app in apps], axis=0)
    chosen = has_point & (day_of >= first.toordinal()) & (day_of <= last.toordinal())
    sums, days = np.nansum(kbps[:, chosen], axis=0), day_of[chosen]
    of_days = [sorted(sums[days == day].tolist(), reverse=True) for day in np.unique(days)]
    points = sorted(sums.tolist(), reverse=True)
    peaks = sorted((day[0] for day in of_days), reverse=True)
    fifths = sorted((day[4] for day in of_days if len(day) > 4), reverse=True)[:5]
    p95s = [day[5 * len(day) // 100] for day in of_days]
    return {
        "points": len(points),
        "days": len(of_days),
        "days_with_traffic": sum(peak > 0 for peak in peaks),
        "p95_kbps": rounded(points[5 * len(points) // 100]) if points else None,
        "peak_kbps": rounded(peaks[0]) if peaks else None,
        "mean_daily_peak_kbps": rounded(sum(peaks) / len(peaks)) if peaks else None,
        "mean_daily_p95_kbps": rounded(sum(p95s) / len(p95s)) if p95s else None,
        "fourth_peak_kbps": rounded(peaks[3]) if len(peaks) > 3 else None,
        "top_five_mean_kbps": rounded(sum(fifths) / len(fifths)) if fifths else None,
    }


def bill(apps: Sequence[BilledApp], first: date, last: date) -> dict[str, Any]:
    """Return the bill for the sum of some apps, at least one of which has a day in the period."""
    period = days_between(first, last)
    billed = with_a_day(apps, first, last)
    app_points = [figures([app], first, last)["points"] for app in billed]
    expected = [[day for day in period if day in app.days] for app in billed]
    statuses = [status(app, points, period) for app, points in zip(billed, app_points, strict=True)]
    worst = next(name for name in ("incomplete", "part of the month", "final") if name in statuses)
    every_day = {day for days in expected for day in days}
    return {
        "status": worst,
        "is_final": worst == "final",
        "expected_points": 288 * len(every_day),
        "calendar_days": len(period),
        "expected_days": len(every_day),
        **figures(apps, first, last),
        "app_points": sum(app_points),
        "expected_app_points": 288 * sum(map(len, expected)),
    }


def status(app: BilledApp, points: int, period: Sequence[date]) -> str:
    if points < 288 * sum(day in app.days for day in period):
        return "incomplete"
    if any(day not in app.days and app.is_configured(day) for day in period):
        return "part of the month"
    return "final"


def with_a_day(apps: Sequence[BilledApp], first: date, last: date) -> list[BilledApp]:
    period = set(days_between(first, last))
    return [app for app in apps if app.days & period]


def months() -> list[tuple[date, date]]:
    firsts = [date(2024, number, 1) for number in range(1, 7)]
    return [(first, following - timedelta(1)) for first, following in pairwise(firsts)]


def test_every_bill_of_a_group_equals_the_brute_force(filled: tuple[Warehouse, list[BilledApp]]) -> None:
    warehouse, apps = filled
    expected = {}
    for first, last in months():
        for group in {app.group for app in apps}:
            members = [app for app in apps if app.group == group]
            if with_a_day(members, first, last):
                expected[group, first] = {
                    "billing_group": group,
                    "month": first,
                    **bill(members, first, last),
                }
    for _ in range(2):  # with points only, then with stored sums
        found = warehouse.rows("select * from mart.billing_monthly_group", role="analyst")
        assert {(row["billing_group"], row["month"]): row for row in found} == expected
        warehouse.rows("select core.refresh_aggregates(1000000)", role="loader")


def chosen_cases(apps: Sequence[BilledApp], count: int) -> Iterator[tuple[date, date, str | None, Any]]:
    luck = random.Random(11)
    span = (LAST - FIRST).days
    for _ in range(count):
        first = FIRST + timedelta(luck.randrange(-3, span + 3))
        last = first + timedelta(luck.choice((0, 1, 6, 13, 27, 30, 44)))
        group = luck.choice((*(app.group for app in apps), None))
        ids = None
        if luck.random() < 0.5:
            ids = sorted(app.app_id for app in luck.sample(list(apps), luck.randrange(1, 6)))
        yield first, last, group, ids


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.full])])
def test_every_bill_of_a_period_equals_the_brute_force(
    filled: tuple[Warehouse, list[BilledApp]], count: int
) -> None:
    warehouse, apps = filled
    with_rows = 0
    with warehouse.connect("analyst") as connection, connection.cursor() as cursor:
        for first, last, group, ids in chosen_cases(apps, count):
            cursor.execute("select * from mart.billing_between(%s, %s, %s, %s)", (first, last, ids, group))
            names = [column.name for column in cursor.description or ()]
            found = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
            chosen = [app for app in apps if (ids is None or app.app_id in ids)]
            chosen = [app for app in chosen if group is None or app.group == group]
            expected: dict[str | None, Any] = {}
            if group is None:
                for app in with_a_day(chosen, first, last):
                    expected[app.app_id] = {**named(app.app_id), **bill([app], first, last)}
            elif with_a_day(chosen, first, last):
                expected[None] = {"app_id": None, "app_name": group, **bill(chosen, first, last)}
            assert found == expected, (first, last, group, ids)
            with_rows += bool(found)
    assert with_rows > count / 2


def test_a_period_of_a_month_has_the_bills_of_the_month(filled: tuple[Warehouse, list[BilledApp]]) -> None:
    warehouse, _ = filled
    for first, last in months():
        of_month = "select * from mart.billing_monthly where month = %s order by app_id"
        of_period = "select * from mart.billing_between(%s, %s) order by app_id"
        month = warehouse.rows(of_month, (first,), "analyst")
        period = warehouse.rows(of_period, (first, last), "analyst")
        assert len(month) == len(period) > 0
        for of_month_row, of_period_row in zip(month, period, strict=True):
            for name, value in of_period_row.items():
                if name in of_month_row:
                    assert value == of_month_row[name]


def test_an_app_that_moves_to_another_group_takes_its_days_along(
    filled: tuple[Warehouse, list[BilledApp]],
) -> None:
    warehouse, apps = filled
    warehouse.rows("select core.refresh_aggregates(1000000)", role="loader")
    (app, *_) = (app for app in apps if app.group == "north")
    others = [other for other in apps if other.group == "south"]
    try:
        warehouse.run(
            "update core.app set billing_group = 'south' where app_id = %s", (app.app_id,), "loader"
        )
        for _ in range(2):
            found = warehouse.rows(
                "select month, p95_kbps from mart.billing_monthly_group where billing_group = 'south'",
                role="analyst",
            )
            expected = {
                first: figures([app, *others], first, last)["p95_kbps"]
                for first, last in months()
                if with_a_day([app, *others], first, last)
            }
            assert {row["month"]: row["p95_kbps"] for row in found} == expected
            warehouse.rows("select core.refresh_aggregates(1000000)", role="loader")
    finally:
        warehouse.run("update core.app set billing_group = 'north' where app_id = %s", (app.app_id,))


def test_a_period_that_ends_before_it_begins_has_no_bill(filled: tuple[Warehouse, list[BilledApp]]) -> None:
    warehouse, _ = filled
    assert warehouse.rows("select * from mart.billing_between('2024-03-02', '2024-03-01')") == []
