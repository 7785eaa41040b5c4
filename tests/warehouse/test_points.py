"""mart.bandwidth_5min and mart.bandwidth_5min_between: each delivered point is one row at its instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.warehouse.database import App, AppDay, Warehouse, days_between

ZONES = {"west": "Etc/GMT+12", "utc": "UTC", "china": "Asia/Shanghai", "east": "Pacific/Kiritimati"}
DAYS = days_between(date(2025, 2, 25), date(2025, 3, 3))


@pytest.fixture(scope="module")
def points(module_warehouse: Warehouse) -> list[tuple[str, str, date, datetime, float]]:
    """Add apps in four time zones with a few days and a gap in each. Return their points as rows."""
    expected = []
    for app_id, zone in ZONES.items():
        module_warehouse.add_account(zone, conn_id=zone)
        module_warehouse.add_apps([App(app_id, DAYS[0], DAYS[-1], zone)])
        for number, day in enumerate(DAYS):
            grid = [None if slot % 97 == number else float(1000 * number + slot) for slot in range(288)]
            module_warehouse.add_days([AppDay(app_id, day, grid)])
            start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
            expected += [
                (app_id, f"Name of {app_id}", day, start + slot * timedelta(minutes=5), kbps)
                for slot, kbps in enumerate(grid)
                if kbps is not None
            ]
    return sorted(expected, key=lambda point: (point[0], point[3]))


def read_points(warehouse: Warehouse, query: str, *parameters: object) -> list[tuple[object, ...]]:
    rows = warehouse.rows(f"{query} order by app_id, interval_start", parameters, "analyst")
    return [tuple(row.values()) for row in rows]


def test_every_point_has_a_row_and_a_gap_has_none(
    module_warehouse: Warehouse, points: list[tuple[str, str, date, datetime, float]]
) -> None:
    assert read_points(module_warehouse, "select * from mart.bandwidth_5min") == points
    of_day = [point for point in points if point[2] == DAYS[3]]
    assert (
        read_points(module_warehouse, "select * from mart.bandwidth_5min where usage_date = %s", DAYS[3])
        == of_day
    )


@pytest.mark.parametrize("app_ids", [None, ["east", "west"]])
@pytest.mark.parametrize("hours", [1 / 12, 1, 26, 60])
@pytest.mark.parametrize("start", range(0, 48, 5))
def test_a_time_range_contains_its_points_in_every_zone(
    module_warehouse: Warehouse,
    points: list[tuple[str, str, date, datetime, float]],
    start: int,
    hours: float,
    app_ids: list[str] | None,
) -> None:
    since = datetime(2025, 2, 27, tzinfo=UTC) + timedelta(hours=start)
    until = since + timedelta(hours=hours)
    expected = [p for p in points if since <= p[3] < until and (app_ids is None or p[0] in app_ids)]
    found = read_points(
        module_warehouse, "select * from mart.bandwidth_5min_between(%s, %s, %s)", since, until, app_ids
    )
    assert found == expected
    assert expected
