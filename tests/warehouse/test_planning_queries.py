"""The queries of the watch and the planner: expected app-days that are incomplete and still available."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.planning_queries import (
    IncompleteDay,
    count_apps,
    count_lost_days,
    incomplete_days,
    missing,
    rechecks,
)
from tests.warehouse.database import App, AppDay, Warehouse, days_between

ZEROS = [0.0] * 288


@pytest.fixture
def loader(warehouse: Warehouse) -> Engine:
    return warehouse_engine(warehouse.url("loader"))


def read_incomplete_days(loader: Engine, since: datetime | None = None) -> list[IncompleteDay]:
    with loader.connect() as connection:
        return incomplete_days(connection, since or datetime.now(UTC))


def days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def test_days_that_were_never_requested_are_found_without_any_run(
    warehouse: Warehouse, loader: Engine
) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(400)), App("b", days_ago(2))])
    found = read_incomplete_days(loader)
    assert {(day.app_id, day.state, day.reason) for day in found} == {
        ("a", "pending", "not requested yet"),
        ("b", "pending", "not requested yet"),
    }
    assert min(day.days_left for day in found) == -2, "the two-day margin"
    assert found[0] == IncompleteDay(
        "agora_dashboard", "a", "Name of a", days_ago(32), "pending", "not requested yet", -2
    )
    assert [day.usage_date for day in found if day.app_id == "b"] == [days_ago(2), days_ago(1)]


def test_every_state_but_collected_is_incomplete(warehouse: Warehouse, loader: Engine) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(5))])
    warehouse.add_days(
        [
            AppDay("a", days_ago(5), ZEROS),
            AppDay("a", days_ago(4), [None, *ZEROS[1:]]),
            AppDay("a", days_ago(3), state="rejected"),
            AppDay("a", days_ago(2)),
        ]
    )
    assert [(day.usage_date, day.state) for day in read_incomplete_days(loader)] == [
        (days_ago(4), "partial"),
        (days_ago(3), "rejected"),
        (days_ago(2), "failed"),
        (days_ago(1), "pending"),
    ]


def test_days_lost_before_the_last_check_are_left_out_in_each_accounts_time_zone(
    warehouse: Warehouse, loader: Engine
) -> None:
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        warehouse.add_account(zone, window="30 days", conn_id=zone)
        warehouse.add_apps([App(zone.lower(), days_ago(60), conn_id=zone)])
    three_days_ago = datetime.now(UTC) - timedelta(days=3)
    for since, gone_since in ((datetime.now(UTC), 0), (three_days_ago, 3)):
        found = read_incomplete_days(loader, since)
        for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
            assert min(day.days_left for day in found if day.conn_id == zone) == -2 - gone_since


def test_apps_and_lost_days_are_counted(warehouse: Warehouse, loader: Engine) -> None:
    with loader.connect() as connection:
        assert (count_apps(connection), count_lost_days(connection)) == (0, 0)
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(34)), App("b", days_ago(5))])
    warehouse.add_days([AppDay("b", days_ago(500)), AppDay("b", days_ago(4))])
    with loader.connect() as connection:
        assert (count_apps(connection), count_lost_days(connection)) == (2, 2)


@pytest.mark.parametrize("conn_ids", [["stays", "goes"], ["stays"]], ids=["configured", "removed"])
def test_days_of_a_removed_account_are_lost_on_the_same_dates(
    warehouse: Warehouse, loader: Engine, conn_ids: list[str]
) -> None:
    for conn_id in ("stays", "goes"):
        warehouse.add_account(window="30 days", conn_id=conn_id)
        warehouse.add_apps([App(f"app_{conn_id}", days_ago(40), conn_id=conn_id)])
        warehouse.add_days([AppDay(f"app_{conn_id}", days_ago(40), ZEROS)])
    if "goes" not in conn_ids:
        warehouse.run("update core.app set removed_on = current_date where conn_id = 'goes'")
    lost = warehouse.rows("select app_id, usage_date from mart.coverage where state = 'lost' order by 1, 2")
    assert [(row["app_id"], row["usage_date"]) for row in lost] == [
        (app_id, day)
        for app_id in ("app_goes", "app_stays")
        for day in days_between(days_ago(39), days_ago(33))
    ]


def test_missing_days_come_soonest_to_expire_first_and_the_rest_is_counted(
    warehouse: Warehouse, loader: Engine
) -> None:
    for conn_id in ("own", "other"):
        warehouse.add_account(window="30 days", conn_id=conn_id)
    warehouse.add_apps([App("a", days_ago(3), conn_id="own"), App("b", days_ago(4), conn_id="own")])
    warehouse.add_apps([App("c", days_ago(9), conn_id="other")])
    warehouse.add_days(
        [
            AppDay("a", days_ago(3), ZEROS),
            AppDay("a", days_ago(2), [None, *ZEROS[1:]]),
            AppDay("b", days_ago(2)),
        ]
    )
    expected = [
        ("b", days_ago(4)),
        ("b", days_ago(3)),
        ("a", days_ago(2)),
        ("b", days_ago(2)),
        ("a", days_ago(1)),
        ("b", days_ago(1)),
    ]
    with loader.connect() as connection:
        for most in (0, 1, 4, 6, 7):
            found = missing(connection, "own", oldest=days_ago(32), most=most)
            assert (found.app_days, found.left) == (expected[:most], max(0, 6 - most))


def test_a_settled_day_is_rechecked_until_a_later_response_arrives(
    warehouse: Warehouse, loader: Engine
) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(20))])
    warehouse.add_days(AppDay("a", days_ago(n), ZEROS) for n in (10, 9, 8))
    warehouse.run("update core.app_day set verified_at = starts_at + interval '2 days'")
    warehouse.run(
        "update core.app_day set verified_at = starts_at + interval '4 days' where usage_date = %s",
        (days_ago(9),),
    )
    with loader.connect() as connection:
        found = rechecks(
            connection, "agora_dashboard", oldest=days_ago(30), newest=days_ago(4), settle_days=3, most=100
        )
    assert found.app_days == [("a", days_ago(10)), ("a", days_ago(8))]
