"""The coverage report on a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.coverage import Choice, Sort, coverage, window
from tests.warehouse.database import App, AppDay, Warehouse

TODAY = datetime.now(UTC).date()
FULL = [1.0] * 288


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


EVERYTHING = Choice(ago(10), ago(1), "", Sort.EXPIRY, 50, 0)


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[Connection]:
    """Yield a connection to a warehouse with three apps and a ten-day window, with days in every state."""
    module_warehouse.add_account(window="10 days")
    module_warehouse.add_apps(App(app_id, ago(14)) for app_id in ("whole", "torn", "fresh"))
    module_warehouse.add_days(AppDay("whole", ago(days), FULL) for days in range(1, 15))
    module_warehouse.add_days(
        [
            AppDay("torn", ago(14), state="failed"),
            AppDay("torn", ago(9), state="failed"),
            AppDay("torn", ago(5), state="rejected"),
            AppDay("torn", ago(3), [None, *FULL[1:]]),
            *(AppDay("torn", ago(days), FULL) for days in (12, 11, 10, 8, 7, 6, 4, 2, 1)),
            *(AppDay("fresh", ago(days), FULL) for days in range(2, 15)),
        ]
    )
    engine = warehouse_engine(module_warehouse.url("loader"))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def names(found: dict[str, Any]) -> list[str]:
    return [app["app_name"].removeprefix("Name of ") for app in found["apps"]]


def test_the_default_dates_are_the_vendor_window(connection: Connection) -> None:
    assert window(connection) == (ago(10), ago(1))
    assert [len(app["days"]) for app in coverage(connection, EVERYTHING)["apps"]] == [10, 10, 10]


def test_a_day_has_state_points_attempts_reason_and_days_left(connection: Connection) -> None:
    found = coverage(connection, EVERYTHING)
    (torn,) = (app for app in found["apps"] if app["app_id"] == "torn")
    day = {day["usage_date"]: day for day in torn["days"]}
    assert day[ago(3)] == {
        "usage_date": ago(3),
        "state": "partial",
        "points": 287,
        "attempts": 1,
        "days_left": 7,
        "reason": "given with 287 points",
        "same_response_as": ["Name of fresh", "Name of whole"],
    }
    assert {when: day[when]["state"] for when in (ago(9), ago(5), ago(1))} == {
        ago(9): "failed",
        ago(5): "rejected",
        ago(1): "collected",
    }
    assert (torn["app_days"], torn["collected"], torn["days_left"]) == (10, 7, 1)


def test_a_day_not_requested_is_pending(connection: Connection) -> None:
    found = coverage(connection, EVERYTHING)
    (fresh,) = (app for app in found["apps"] if app["app_id"] == "fresh")
    last = fresh["days"][-1]
    assert (last["usage_date"], last["state"], last["attempts"], last["days_left"]) == (
        ago(1),
        "pending",
        0,
        9,
    )


def test_apps_whose_days_expire_first_come_first(connection: Connection) -> None:
    found = coverage(connection, EVERYTHING)
    assert names(found) == ["torn", "fresh", "whole"]
    assert [(group["days_left"], group["app_days"], group["apps"]) for group in found["expiring"]] == [
        (1, 1, 1),
        (5, 1, 1),
        (7, 1, 1),
    ]
    assert (found["expiring"][0]["first_date"], found["expiring"][0]["last_date"]) == (ago(9), ago(9))


def test_apps_can_be_sorted_by_name_or_missing_days(connection: Connection) -> None:
    assert names(coverage(connection, EVERYTHING._replace(sort=Sort.NAME))) == ["fresh", "torn", "whole"]
    beyond = EVERYTHING._replace(sort=Sort.MISSING, from_date=ago(14), to_date=ago(13))
    assert names(coverage(connection, beyond)) == ["torn", "fresh", "whole"]


def test_dates_outside_the_window_show_lost_days(connection: Connection) -> None:
    found = coverage(connection, EVERYTHING._replace(from_date=ago(14), to_date=ago(11)))
    (torn,) = (app for app in found["apps"] if app["app_id"] == "torn")
    assert [(day["state"], day["attempts"], day["days_left"]) for day in torn["days"]] == [
        ("lost", 1, -4),
        ("lost", 0, -3),
        ("collected", 1, -2),
        ("collected", 1, -1),
    ]
    assert torn["days_left"] is None
    assert found["expiring"], "expiring days cover all dates"


@pytest.mark.parametrize("search", ["fres", "FRES", "name of fresh"])
def test_a_search_matches_names_and_app_ids_in_any_case(connection: Connection, search: str) -> None:
    found = coverage(connection, EVERYTHING._replace(search=search))
    assert (names(found), found["apps_in_all"]) == (["fresh"], 1)


@pytest.mark.parametrize("search", ["%", "_", "'", "\\"])
def test_a_search_is_not_a_pattern(connection: Connection, search: str) -> None:
    assert coverage(connection, EVERYTHING._replace(search=search))["apps"] == []


def test_apps_are_paged(connection: Connection) -> None:
    pages = [coverage(connection, EVERYTHING._replace(limit=2, offset=offset)) for offset in (0, 2)]
    assert [names(page) for page in pages] == [["torn", "fresh"], ["whole"]]
    assert [page["apps_in_all"] for page in pages] == [3, 3]
    behind = coverage(connection, EVERYTHING._replace(limit=2, offset=4))
    assert (behind["apps"], behind["apps_in_all"]) == ([], 3)


def test_dates_are_summed_over_the_apps_of_all_pages(connection: Connection) -> None:
    found = coverage(connection, EVERYTHING._replace(limit=1))
    of_last = {row["state"]: row["app_days"] for row in found["by_date"] if row["usage_date"] == ago(1)}
    assert of_last == {"collected": 2, "pending": 1}


@pytest.fixture
def behind(warehouse: Warehouse) -> Iterator[Connection]:
    """Yield a connection to a warehouse with two apps and a ten-day window, with open days behind it."""
    warehouse.add_account(window="10 days")
    warehouse.add_apps(App(app_id, ago(13)) for app_id in ("late", "whole"))
    warehouse.add_days(AppDay("whole", ago(days), FULL) for days in range(1, 14))
    warehouse.add_days(AppDay("late", ago(days), FULL) for days in range(1, 11))
    warehouse.add_days([AppDay("late", ago(12), state="failed")])
    engine = warehouse_engine(warehouse.url("analyst"))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def test_days_behind_the_window_are_open_while_they_are_requested(behind: Connection) -> None:
    assert window(behind) == (ago(12), ago(1))
    found = coverage(behind, EVERYTHING._replace(from_date=ago(13), to_date=ago(1)))
    late, whole = found["apps"]
    assert [(day["state"], day["days_left"]) for day in late["days"]][:4] == [
        ("lost", -3),
        ("failed", -2),
        ("pending", -1),
        ("collected", 0),
    ]
    assert (late["days_left"], whole["days_left"]) == (-2, None)
    assert found["expiring"] == [
        {"days_left": -1, "app_days": 2, "apps": 1, "first_date": ago(12), "last_date": ago(11)}
    ]


def test_a_day_names_the_apps_that_received_the_same_response(warehouse: Warehouse) -> None:
    warehouse.add_account(window="10 days")
    warehouse.add_apps(App(app_id, ago(2)) for app_id in ("a", "b", "c"))
    warehouse.add_days(AppDay(app_id, ago(1), FULL) for app_id in ("a", "b", "c"))
    warehouse.add_days(AppDay(app_id, ago(2), [0.0] * 288) for app_id in ("a", "b", "c"))
    warehouse.run(
        "update core.app_day set body_sha256 = '\\x01' where app_key = (select max(app_key) from core.app)"
    )
    engine = warehouse_engine(warehouse.url("analyst"))
    with engine.connect() as connection:
        found = coverage(connection, EVERYTHING)
    engine.dispose()
    assert {app["app_id"]: [day["same_response_as"] for day in app["days"]] for app in found["apps"]} == {
        "a": [[], ["Name of b"]],
        "b": [[], ["Name of a"]],
        "c": [[], []],
    }


def test_an_empty_warehouse_has_no_coverage(warehouse: Warehouse) -> None:
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as connection:
        assert window(connection) is None
        found = coverage(connection, EVERYTHING)
    engine.dispose()
    assert (found["apps"], found["apps_in_all"], found["by_date"], found["expiring"]) == ([], 0, [], [])
