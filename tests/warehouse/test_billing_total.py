"""mart.billing_monthly_total against a reference by hand: sum first, then rank; by instant across zones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import total_bills

PAST = date(2026, 1, 1)
FIRST, LAST = date(2024, 1, 20), date(2024, 5, 10)
WORLDS = {
    "one zone": ("UTC",) * 4,
    "UTC and Shanghai": ("UTC", "Asia/Shanghai", "UTC", "Asia/Shanghai"),
    "the ends of the world": ("Etc/GMT+12", "Pacific/Kiritimati", "UTC"),
}


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def fill(warehouse: Warehouse, zones: tuple[str, ...], gaps: float) -> list[tuple[str, date, datetime, Any]]:
    """Give each app its days, some with gaps of its own, and return all of them."""
    rng = np.random.default_rng(len(zones))
    for zone in sorted(set(zones)):
        warehouse.add_account(zone, conn_id=zone)
    apps = [
        App(f"app {n}", FIRST + timedelta(n * 4), LAST - timedelta(n), zone) for n, zone in enumerate(zones)
    ]
    warehouse.add_apps(apps)
    wanted, entries = [], []
    for app in apps:
        for day in days_between(app.wanted_from, app.wanted_until or LAST):
            luck = rng.random()
            grid: Any = traffic.values(rng)
            if luck < gaps:
                grid = traffic.with_gaps(grid, rng) if luck < 0.6 * gaps else None
            if grid or luck < 0.8 * gaps:
                entries.append(AppDay(app.app_id, day, grid, "lost"))
            wanted.append((app.app_id, day, midnight(day, app.conn_id), grid))
    warehouse.add_days(entries)
    return wanted


@pytest.mark.parametrize("gaps", [0, 0.3, 0.97])
@pytest.mark.parametrize("zones", WORLDS.values(), ids=WORLDS)
def test_every_total_equals_the_reference(warehouse: Warehouse, zones: tuple[str, ...], gaps: float) -> None:
    wanted = fill(warehouse, zones, gaps)
    found = warehouse.rows("select * from mart.billing_monthly_total order by month", role="analyst")
    expected = total_bills(wanted, PAST)
    assert found == expected
    assert len(found) == 5
    assert all(bill["is_final"] for bill in found) == (gaps == 0)
    one = warehouse.rows("select * from mart.billing_monthly_total where month = '2024-02-01'")
    assert one == [expected[1]]


def test_the_95th_of_the_sum_is_not_the_sum_of_the_95ths(warehouse: Warehouse) -> None:
    warehouse.add_account()
    day = date(2025, 3, 3)
    warehouse.add_apps([App("by day", day, day), App("by night", day, day)])
    busy, idle = [100.0] * 144, [0.0] * 144
    warehouse.add_days([AppDay("by day", day, [*idle, *busy]), AppDay("by night", day, [*busy, *idle])])
    (total,) = warehouse.rows("select p95_kbps, days_with_traffic from mart.billing_monthly_total")
    (apart,) = warehouse.rows("select sum(p95_kbps) as p95_kbps from mart.billing_monthly")
    assert (total["p95_kbps"], apart["p95_kbps"]) == (100, 200)


def test_a_running_month_is_not_final_and_today_is_none_of_it(warehouse: Warehouse) -> None:
    for zone in ("Asia/Shanghai", "UTC"):
        warehouse.add_account(zone, conn_id=zone)
    first = date.today().replace(day=1) - timedelta(days=3)  # noqa: DTZ011  (a margin of days)
    apps = [App(f"app of {zone}", first, None, zone) for zone in ("Asia/Shanghai", "UTC")]
    warehouse.add_apps(apps)
    ahead = days_between(first, date.today() + timedelta(days=1))  # noqa: DTZ011
    grids = {day: [float(day.day)] * 288 for day in ahead}
    warehouse.add_days(AppDay(app.app_id, day, grids[day]) for app in apps for day in ahead)
    with warehouse.connect("analyst") as connection, connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select now()")
        ((now,),) = cursor.fetchall()
        cursor.execute("select * from mart.billing_monthly_total order by month")
        columns = [column.name for column in cursor.description or ()]
        found = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    today = {app.conn_id: now.astimezone(ZoneInfo(app.conn_id)).date() for app in apps}
    wanted = [
        (app.app_id, day, midnight(day, app.conn_id), grids[day])
        for app in apps
        for day in ahead
        if day < today[app.conn_id]
    ]
    assert found == total_bills(wanted, min(today.values()))
    assert found[0]["is_final"] or today["UTC"].day == 1
