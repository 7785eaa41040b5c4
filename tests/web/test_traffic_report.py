"""The traffic report, as read by the role analyst, against a brute-force reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pytest
from sqlalchemy import create_engine

from agora.warehouse.reports import traffic as report
from tests.conftest import fresh_warehouse
from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import Figures, figures_of_day

FIRST, LAST = date(2024, 1, 20), date(2024, 3, 20)
FEBRUARY = (date(2024, 2, 1), date(2024, 2, 29))
MONDAY = date(2025, 3, 3)
WORLDS = {
    "one zone": ("UTC",) * 3,
    "all in Shanghai": ("Asia/Shanghai",) * 3,
    "UTC and Shanghai": ("UTC", "Asia/Shanghai", "UTC"),
    "the most distant zones": ("Etc/GMT+12", "Pacific/Kiritimati", "UTC"),
}
FIVE_MINUTES = timedelta(minutes=5)
Days = dict[tuple[str, date], tuple[datetime, Any]]


def read_traffic(
    warehouse: Warehouse, app_ids: Sequence[str], dates: tuple[date, date], is_sum: bool = False
) -> dict[str, Any]:
    engine = create_engine(warehouse.url("analyst"))
    try:
        with engine.connect() as connection:
            return report.traffic(connection, app_ids, is_sum, *dates)
    finally:
        engine.dispose()


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def fill(warehouse: Warehouse, zones: Sequence[str]) -> Days:
    """Add apps with gaps of every kind. Return the start and the grid of each expected app-day."""
    rng = np.random.default_rng(7)
    for zone in sorted(set(zones)):
        warehouse.add_account(zone, conn_id=zone)
    apps = [
        App(f"app {n}", FIRST + timedelta(n * 15), LAST - timedelta(n), zone) for n, zone in enumerate(zones)
    ]
    warehouse.add_apps(apps)
    expected_days: Days = {}
    for app in apps:
        for day in days_between(app.expected_from, app.expected_until or LAST):
            luck = rng.random()
            grid: Any = traffic.values(rng)
            if luck < 0.3:
                grid = traffic.with_gaps(grid, rng) if luck < 0.15 else None
            if grid or luck < 0.25:  # the other days were not requested yet
                warehouse.add_days([AppDay(app.app_id, day, grid)])
            expected_days[app.app_id, day] = (midnight(day, app.conn_id), grid)
    return expected_days


def expected_slots(
    expected_days: Days, app_ids: Sequence[str], dates: tuple[date, date]
) -> dict[datetime, Figures]:
    """Return the sum, the number of absent apps and the usage date for each instant in the range."""
    slots: dict[datetime, dict[str, Any]] = {}
    for (app_id, day), (start, grid) in expected_days.items():
        if app_id not in app_ids:
            continue
        for number, kbps in enumerate(grid or [None] * 288):
            slot = slots.setdefault(start + number * FIVE_MINUTES, {"kbps": [], "absent": 0, "days": []})
            slot["absent"] += kbps is None
            slot["kbps"] += [] if kbps is None else [kbps]
            slot["days"] += [] if kbps is None else [day]
            slot.setdefault("expected_dates", []).append(day)
    return {
        instant: {
            "kbps": sum(slot["kbps"]) if slot["kbps"] else None,
            "absent": slot["absent"],
            "day": min(slot["days"] or slot["expected_dates"]),
        }
        for instant, slot in sorted(slots.items())
        if dates[0] <= min(slot["days"] or slot["expected_dates"]) <= dates[1]
    }


def assert_series(series: dict[str, Any], slots: dict[datetime, Figures]) -> None:
    """Compare a series with the reference: points, figures and days."""
    start = series["interval_start"]
    found = {
        start + number * FIVE_MINUTES: (None if np.isnan(kbps) else kbps, absent)
        for number, (kbps, absent) in enumerate(zip(series["kbps"], series["absent_apps"], strict=True))
    }
    assert start == min(slots)
    assert max(found) == max(slots)
    assert {instant: slot for instant, slot in found.items() if slot != (None, 0)} == {
        instant: (slot["kbps"], slot["absent"]) for instant, slot in slots.items()
    }
    assert_figures(series["figures"], slots)
    for day in series["days"]:
        assert_figures(day, {at: slot for at, slot in slots.items() if slot["day"] == day["usage_date"]})


def assert_figures(found: dict[str, Any], slots: dict[datetime, Figures]) -> None:
    expected = figures_of_day([slot["kbps"] for slot in slots.values()])
    for name in ("points", "peak_kbps", "p95_kbps", "mean_kbps", "volume_bytes"):
        value = expected[name]
        assert found[name] == (float(value) if isinstance(value, Decimal) else value), name
    present = {at: slot for at, slot in slots.items() if slot["kbps"] is not None}
    assert found["points_lacking_apps"] == sum(slot["absent"] > 0 for slot in present.values())
    if present:
        assert found["peak_at"] == min(
            at for at, slot in present.items() if slot["kbps"] == expected["peak_kbps"]
        )


@pytest.fixture(scope="module", params=list(WORLDS.values()), ids=list(WORLDS))
def world(
    request: pytest.FixtureRequest, postgres: Any, warehouse_template: str
) -> Iterator[tuple[Warehouse, Days]]:
    for warehouse in fresh_warehouse(postgres, warehouse_template):
        yield warehouse, fill(warehouse, request.param)


RANGES = [FEBRUARY, (date(2024, 2, 10), date(2024, 2, 10)), (FIRST - timedelta(3), FIRST + timedelta(50))]


@pytest.mark.parametrize("dates", RANGES, ids=["a month", "a day", "from before the first day"])
def test_each_series_has_its_apps_points(world: tuple[Warehouse, Days], dates: tuple[date, date]) -> None:
    warehouse, expected_days = world
    app_ids = ["app 2", "app 0"]
    response = read_traffic(warehouse, app_ids, dates)
    assert [series["app_id"] for series in response["series"]] == app_ids
    for series in response["series"]:
        slots = expected_slots(expected_days, [series["app_id"]], dates)
        if slots:
            assert_series(series, slots)
        days = [
            day for app_id, day in expected_days if app_id == series["app_id"] and dates[0] <= day <= dates[1]
        ]
        assert [day["usage_date"] for day in series["days"]] == days
        assert series["figures"]["expected_points"] == 288 * len(days)


@pytest.mark.parametrize("app_ids", [[], ["app 1", "app 2"]], ids=["all apps", "two of three"])
@pytest.mark.parametrize("dates", RANGES, ids=["a month", "a day", "from before the first day"])
def test_a_sum_is_by_instant_and_counts_absent_apps(
    world: tuple[Warehouse, Days], dates: tuple[date, date], app_ids: list[str]
) -> None:
    warehouse, expected_days = world
    (series,) = read_traffic(warehouse, app_ids, dates, is_sum=True)["series"]
    assert_series(series, expected_slots(expected_days, app_ids or ["app 0", "app 1", "app 2"], dates))


def test_the_p95_of_a_whole_month_equals_the_bill(world: tuple[Warehouse, Days]) -> None:
    warehouse, _ = world
    (bill,) = warehouse.rows("select * from mart.billing_monthly_total where month = '2024-02-01'")
    (series,) = read_traffic(warehouse, [], FEBRUARY, is_sum=True)["series"]
    for name in ("p95_kbps", "peak_kbps", "points", "expected_points"):
        assert series["figures"][name] == bill[name], name
    assert (series["app_points"], series["expected_app_points"]) == (
        bill["app_points"],
        bill["expected_app_points"],
    )
    bills = warehouse.rows("select * from mart.billing_monthly where month = '2024-02-01' order by app_id")
    response = read_traffic(warehouse, [bill["app_id"] for bill in bills], FEBRUARY)
    for series, bill in zip(response["series"], bills, strict=True):
        for name in ("p95_kbps", "peak_kbps", "points", "expected_points"):
            assert series["figures"][name] == bill[name], name


def test_a_day_equals_its_row_in_mart(world: tuple[Warehouse, Days]) -> None:
    warehouse, _ = world
    (series,) = read_traffic(warehouse, ["app 1"], FEBRUARY)["series"]
    rows = warehouse.rows(
        "select usage_date, points, expected_points, peak_kbps, p95_kbps, volume_bytes"
        " from mart.bandwidth_daily where app_id = 'app 1'"
        " and usage_date between '2024-02-01' and '2024-02-29' order by usage_date"
    )
    assert [{name: day[name] for name in rows[0]} for day in series["days"]] == rows


def test_a_sum_without_expected_days_is_empty_not_zero(world: tuple[Warehouse, Days]) -> None:
    warehouse, _ = world
    (series,) = read_traffic(warehouse, ["app 0"], (date(2020, 1, 1), date(2020, 1, 31)))["series"]
    assert (series["kbps"], series["days"], series["app_days_by_state"]) == ([], [], {})
    assert series["figures"]["p95_kbps"] is None


def test_days_without_points_report_their_states(warehouse: Warehouse) -> None:
    warehouse.add_account(window="3 days")
    lost = datetime.now(UTC).date() - timedelta(days=6)
    rejected = lost + timedelta(days=1)
    warehouse.add_apps([App("a", lost, lost + timedelta(days=2))])
    warehouse.add_days([AppDay("a", lost, state="failed"), AppDay("a", rejected, state="rejected")])
    (series,) = read_traffic(warehouse, ["a"], (lost, lost + timedelta(days=6)))["series"]
    assert series["app_days_by_state"] == {"lost": 1, "pending": 1, "rejected": 1}
    assert all(np.isnan(series["kbps"]))
    assert series["absent_apps"] == [1] * 3 * 288
    figures = series["figures"]
    assert (figures["points"], figures["volume_bytes"], figures["peak_at"]) == (0, None, None)


def zone_where_it_is(hour: int) -> str:
    """Return a zone without clock changes in which this hour of the day is now."""
    behind = (datetime.now(UTC).hour - hour + 11) % 24 - 11
    return f"Etc/GMT{behind:+d}"


def test_a_day_that_is_not_over_is_absent_from_the_sum(warehouse: Warehouse) -> None:
    """Between the two midnights, one account's day is over and the other account's day is not."""
    evening, night = zone_where_it_is(18), zone_where_it_is(2)
    today = {zone: datetime.now(ZoneInfo(zone)).date() for zone in (evening, night)}
    first = min(today.values()) - timedelta(days=3)
    apps = [App(zone.lower(), first, None, zone) for zone in today]
    for zone in today:
        warehouse.add_account(zone, conn_id=zone)
    warehouse.add_apps(apps)
    # Today's days were requested manually; they do not count yet.
    warehouse.add_days(
        AppDay(zone.lower(), day, [1.0] * 288) for zone in today for day in days_between(first, today[zone])
    )
    dates = (first, max(today.values()) - timedelta(days=1))
    (series,) = read_traffic(warehouse, [], dates, is_sum=True)["series"]
    begins, ends = midnight(today[evening], evening), midnight(today[night], night)
    assert series["interval_start"] + len(series["kbps"]) * FIVE_MINUTES == ends
    of_today = int((ends - begins) / FIVE_MINUTES)
    assert of_today > 0
    assert series["kbps"][-of_today - 100 :] == [2.0] * 100 + [1.0] * of_today
    assert series["absent_apps"][-of_today - 100 :] == [0] * 100 + [1] * of_today


def test_without_chosen_apps_the_largest_app_is_shown(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps([App(app_id, MONDAY, MONDAY) for app_id in ("small", "large", "empty")])
    warehouse.add_days([AppDay("small", MONDAY, [1.0] * 288), AppDay("large", MONDAY, [2.0] * 288)])
    response = read_traffic(warehouse, [], (MONDAY, MONDAY))
    assert [series["app_id"] for series in response["series"]] == ["large"]
    assert response["chosen_apps"] == [
        {"app_id": "large", "app_name": "Name of large", "conn_id": "agora_dashboard", "timezone": "UTC"}
    ]
    assert (response["first_date"], response["last_date"]) == (MONDAY, MONDAY)


@pytest.mark.filterwarnings("ignore:Using `httpx`")  # caused by an import in Airflow
def test_app_ids_in_the_url_are_accepted_in_any_case(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agora.web import routes

    warehouse.add_account()
    warehouse.add_apps([App("a", MONDAY, MONDAY)])
    engine = create_engine(warehouse.url("analyst"))
    with engine.connect() as connection:
        monkeypatch.setattr(routes, "reading", lambda: nullcontext(connection))
        response = routes.traffic(["A", "a", "B"], from_date=MONDAY, to_date=MONDAY)
    engine.dispose()
    found = orjson.loads(response.body)
    assert [app["app_id"] for app in found["chosen_apps"]] == ["a"]
    assert found["unknown_app_ids"] == ["b"]


def test_an_unknown_app_is_named_and_the_others_are_shown(warehouse: Warehouse) -> None:
    warehouse.add_account("Asia/Shanghai")
    warehouse.add_apps([App("a", MONDAY, MONDAY)])
    response = read_traffic(warehouse, ["nobody", "a"], (MONDAY, MONDAY))
    assert response["unknown_app_ids"] == ["nobody"]
    assert [series["app_id"] for series in response["series"]] == ["a"]
    assert response["accounts"] == [{"conn_id": "agora_dashboard", "timezone": "Asia/Shanghai"}]
    (series,) = read_traffic(warehouse, ["nobody"], (MONDAY, MONDAY), is_sum=True)["series"]
    assert (series["apps"], series["kbps"]) == (0, [])


def test_dates_end_on_the_latest_yesterday_of_any_zone(warehouse: Warehouse) -> None:
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        warehouse.add_account(zone, conn_id=zone)
    engine = create_engine(warehouse.url("analyst"))
    with engine.connect() as connection:
        first, last = report.dates(connection, None, None)
        (now,) = connection.exec_driver_sql("select now()").one()
        assert last == now.astimezone(ZoneInfo("Pacific/Kiritimati")).date() - timedelta(1)
        assert (last - first).days == 30
        assert report.dates(connection, None, MONDAY) == (MONDAY - timedelta(30), MONDAY)
    engine.dispose()


def test_apps_are_found_by_name_or_id_and_counted(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps([App(f"id-{number:02}", MONDAY, MONDAY + timedelta(1)) for number in range(12)])
    warehouse.run("update core.app set name = 'Zebra' where app_id = 'id-07'")
    engine = create_engine(warehouse.url("analyst"))
    with engine.connect() as connection:
        found = report.apps(connection, "NAME OF", 5)
        one = report.apps(connection, "D-07", 5)
        none = report.apps(connection, "100%", 5)
    engine.dispose()
    assert found["apps_in_all"] == 11
    assert [app["app_id"] for app in found["apps"]] == [f"id-{number:02}" for number in range(5)]
    assert one["apps"] == [
        {
            "app_id": "id-07",
            "app_name": "Zebra",
            "conn_id": "agora_dashboard",
            "first_date": MONDAY,
            "last_date": MONDAY + timedelta(1),
        }
    ]
    assert none == {"apps_in_all": 0, "apps": []}
