"""mart.billing_monthly_total matches a reference that ranks sums by instant across time zones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import Expected, total_bills

PAST = date(2026, 1, 1)
FIRST, LAST = date(2024, 1, 20), date(2024, 5, 10)
WORLDS = {
    "one zone": ("UTC",) * 4,
    "UTC and Shanghai": ("UTC", "Asia/Shanghai", "UTC", "Asia/Shanghai"),
    "the most distant zones": ("Etc/GMT+12", "Pacific/Kiritimati", "UTC"),
}


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def fill(warehouse: Warehouse, zones: tuple[str, ...], gaps: float) -> dict[str, Expected]:
    """Add apps with days, some of which have gaps, and return each app's expected days."""
    rng = np.random.default_rng(len(zones))
    for zone in sorted(set(zones)):
        warehouse.add_account(zone, conn_id=zone)
    apps = [
        App(f"app {n}", FIRST + timedelta(n * 4), LAST - timedelta(n), zone) for n, zone in enumerate(zones)
    ]
    warehouse.add_apps(apps)
    expected, entries = {}, []
    for app in apps:
        days: dict[date, Any] = {}
        for day in days_between(app.expected_from, app.expected_until or LAST):
            luck = rng.random()
            grid: Any = traffic.values(rng)
            if luck < gaps:
                grid = traffic.with_gaps(grid, rng) if luck < 0.6 * gaps else None
            if grid or luck < 0.8 * gaps:
                entries.append(AppDay(app.app_id, day, grid))
            days[day] = grid
        expected[app.app_id] = Expected(days, PAST)
    warehouse.add_days(entries)
    return expected


@pytest.mark.parametrize("gaps", [0, 0.3, 0.97])
@pytest.mark.parametrize("zones", WORLDS.values(), ids=WORLDS)
def test_every_total_equals_the_reference(warehouse: Warehouse, zones: tuple[str, ...], gaps: float) -> None:
    apps = fill(warehouse, zones, gaps)
    zone_of = dict(zip(apps, zones, strict=True))
    found = warehouse.rows("select * from mart.billing_monthly_total order by month", role="analyst")
    expected = total_bills(apps, lambda app_id, day: midnight(day, zone_of[app_id]))
    assert found == expected
    statuses = [bill["status"] for bill in found]
    if gaps:
        assert statuses == ["incomplete"] * 5
    else:
        assert statuses == ["part of the month", *["final"] * 3, "part of the month"]
    one = warehouse.rows("select * from mart.billing_monthly_total where month = '2024-02-01'")
    assert one == [expected[1]]


WHOLE = {day: [1.0] * 288 for day in days_between(date(2024, 3, 1), date(2024, 3, 31))}
LAST_FOUR = {day: grid for day, grid in WHOLE.items() if day.day >= 28}


@pytest.mark.parametrize(
    ("days", "collect_from", "status", "expected_days"),
    [
        (LAST_FOUR, None, "part of the month", 31),
        (LAST_FOUR, date(2024, 3, 28), "final", 31),
        ({**LAST_FOUR, date(2024, 3, 29): None}, date(2024, 3, 28), "incomplete", 31),
        (WHOLE, None, "final", 31),
    ],
)
def test_the_total_has_the_worst_status_of_its_apps(
    warehouse: Warehouse, days: dict[date, Any], collect_from: date | None, status: str, expected_days: int
) -> None:
    warehouse.add_account()
    given = {"whole": WHOLE, "late": days}
    warehouse.add_apps(App(app_id, min(days), max(days)) for app_id, days in given.items())
    warehouse.run("update core.app set collect_from = %s where app_id = 'late'", (collect_from,))
    warehouse.add_days(
        AppDay(app_id, day, grid) for app_id, days in given.items() for day, grid in days.items()
    )
    (total,) = warehouse.rows("select * from mart.billing_monthly_total")
    apps = {"whole": Expected(WHOLE, PAST), "late": Expected(days, PAST, collect_from)}
    assert [total] == total_bills(apps, lambda _, day: midnight(day, "UTC"))
    assert (total["status"], total["expected_days"], total["calendar_days"]) == (status, expected_days, 31)


def test_the_95th_of_the_sum_is_not_the_sum_of_the_95ths(warehouse: Warehouse) -> None:
    warehouse.add_account()
    day = date(2025, 3, 3)
    warehouse.add_apps([App("by day", day, day), App("by night", day, day)])
    busy, idle = [100.0] * 144, [0.0] * 144
    warehouse.add_days([AppDay("by day", day, [*idle, *busy]), AppDay("by night", day, [*busy, *idle])])
    (total,) = warehouse.rows("select p95_kbps, days_with_traffic from mart.billing_monthly_total")
    (apart,) = warehouse.rows("select sum(p95_kbps) as p95_kbps from mart.billing_monthly")
    assert (total["p95_kbps"], apart["p95_kbps"]) == (100, 200)


def test_a_running_month_is_not_final_and_excludes_today(warehouse: Warehouse) -> None:
    for zone in ("Asia/Shanghai", "UTC"):
        warehouse.add_account(zone, conn_id=zone)
    first = date.today().replace(day=1) - timedelta(days=3)  # noqa: DTZ011  (a margin of days)
    apps = [App(f"app of {zone.lower()}", first, None, zone) for zone in ("Asia/Shanghai", "UTC")]
    warehouse.add_apps(apps)
    tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011
    last = next(
        day for day in days_between(tomorrow, tomorrow + timedelta(31)) if (day + timedelta(1)).day == 1
    )
    ahead = days_between(first, last)
    grids = {day: [float(day.day)] * 288 for day in ahead}
    warehouse.add_days(AppDay(app.app_id, day, grids[day]) for app in apps for day in ahead)
    with warehouse.connect("analyst") as connection, connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select now()")
        ((now,),) = cursor.fetchall()
        cursor.execute("select * from mart.billing_monthly_total order by month")
        columns = [column.name for column in cursor.description or ()]
        found = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    zone_of = {app.app_id: app.conn_id for app in apps}
    expected = {
        app_id: Expected(grids, now.astimezone(ZoneInfo(zone)).date()) for app_id, zone in zone_of.items()
    }
    assert found == total_bills(expected, lambda app_id, day: midnight(day, zone_of[app_id]))
    assert found[0]["status"] == "part of the month"
    assert {bill["status"] for bill in found[1:]} <= {"running"}
