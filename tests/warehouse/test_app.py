"""mart.app and mart.vendor_account agree with mart.coverage without reading it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.database import App, AppDay, Warehouse, days_between

TODAY = datetime.now(UTC).date()
LONG_AGO = TODAY - timedelta(days=400)
EXTENT = """
select app_id, min(app_name) as app_name, min(conn_id) as conn_id, min(usage_date) as first_date,
    max(usage_date) as last_date
from mart.coverage group by app_id order by app_id
"""
APPS = "select app_id, app_name, conn_id, first_date, last_date from mart.app order by app_id"


def test_an_app_extends_from_its_first_to_its_last_expected_day(warehouse: Warehouse) -> None:
    for zone in ("UTC", "Pacific/Kiritimati"):
        warehouse.add_account(zone, conn_id=zone)
    week = timedelta(days=7)
    warehouse.add_apps(
        [
            App("collected earlier and later", TODAY - week, TODAY - week, "UTC"),
            App("refused earlier and later", TODAY - week, TODAY - week, "UTC"),
            App("requested today", TODAY - week, None, "UTC"),
            App("requested today only", TODAY + week, None, "UTC"),
            App("ended", LONG_AGO, LONG_AGO + week, "Pacific/Kiritimati"),
            App("not begun", TODAY + week, None, "UTC"),
            App("retained", LONG_AGO, None, "UTC"),
            App("unrequested", TODAY - week, None, "Pacific/Kiritimati"),
        ]
    )
    warehouse.run("update core.app set kept_since = %s where app_id = 'retained'", (TODAY - 10 * week,))
    warehouse.add_days(
        [
            AppDay("collected earlier and later", LONG_AGO, [0.0] * 288),
            AppDay("collected earlier and later", TODAY - timedelta(days=2), [*[None] * 287, 0.0]),
            AppDay("collected earlier and later", TODAY - timedelta(days=1), [None] * 288),
            AppDay("refused earlier and later", LONG_AGO),
            AppDay("refused earlier and later", TODAY - timedelta(days=1), state="rejected"),
            AppDay("requested today", TODAY),
            AppDay("requested today only", TODAY),
        ]
    )
    found = warehouse.rows(APPS, role="analyst")
    assert found == warehouse.rows(EXTENT)
    assert [row["app_id"] for row in found] == [
        "collected earlier and later",
        "ended",
        "refused earlier and later",
        "requested today",
        "retained",
        "unrequested",
    ]


@pytest.mark.parametrize("window", ["1 month", "1 day", "30 days", "365 days"])
@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "Pacific/Kiritimati"])
def test_the_window_begins_with_the_first_day_that_has_days_left(
    warehouse: Warehouse, zone: str, window: str
) -> None:
    warehouse.add_account(zone, window)
    warehouse.add_apps([App("a", LONG_AGO)])
    (account,) = warehouse.rows("select window_begins_on from mart.vendor_account", role="analyst")
    (first,) = warehouse.rows("select min(usage_date) as day from mart.coverage where days_left >= 0")
    assert account["window_begins_on"] == first["day"]


SUMS = """
select usage_date, interval_start, sum(kbps) as kbps, {apps} as apps
from {view} group by usage_date, interval_start order by usage_date, interval_start
"""


def test_the_total_is_the_sum_of_the_points_with_and_without_stored_sums(warehouse: Warehouse) -> None:
    zones = ("UTC", "Pacific/Kiritimati")
    for zone in zones:
        warehouse.add_account(zone, conn_id=zone)
    days = days_between(TODAY - timedelta(days=6), TODAY - timedelta(days=2))
    warehouse.add_apps(App(f"{zone} {n}".lower(), days[0], None, zone) for zone in zones for n in range(2))
    warehouse.add_days(
        AppDay(
            f"{zone} {n}".lower(), day, [None if slot % 7 == n else float(slot + n) for slot in range(288)]
        )
        for zone in zones
        for n in range(2)
        for day in days
    )
    expected = warehouse.rows(SUMS.format(view="mart.bandwidth_5min", apps="count(*)"))
    total = SUMS.format(view="mart.bandwidth_5min_total", apps="sum(apps)")
    assert len(expected) > 288 * len(days)
    assert warehouse.rows(total, role="analyst") == expected
    warehouse.rows("select core.refresh_aggregates(1000)", role="loader")
    assert warehouse.rows(total, role="analyst") == expected
    warehouse.run("update core.app_day set kbps_int4[5] = 7 where usage_date = %s", (days[1],))
    changed = warehouse.rows(SUMS.format(view="mart.bandwidth_5min", apps="count(*)"))
    assert changed != expected
    assert warehouse.rows(total) == changed
