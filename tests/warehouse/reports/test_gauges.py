"""What the gauges are made of: what can be had, what of it is uncollected, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.gauges import Gauges, read_gauges
from tests.warehouse.database import App, AppDay, Warehouse

ZEROS = [0.0] * 288


def stands(warehouse: Warehouse) -> Gauges:
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as connection:
        found = read_gauges(connection)
    engine.dispose()
    return found


def days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def test_where_nothing_is_wanted_nothing_expires(warehouse: Warehouse) -> None:
    assert stands(warehouse) == Gauges({}, None, 0, 0)


def test_days_of_all_accounts_are_counted_by_state_while_they_can_be_had(warehouse: Warehouse) -> None:
    for conn_id, window in (("short", "10 days"), ("long", "30 days")):
        warehouse.add_account(window=window, conn_id=conn_id)
        warehouse.add_apps([App(conn_id, days_ago(40), conn_id=conn_id)])
    warehouse.add_days(
        [
            *(AppDay("short", days_ago(age), ZEROS) for age in range(3, 11)),
            *(AppDay("long", days_ago(age), ZEROS) for age in range(1, 27)),
            AppDay("short", days_ago(2), [None, *ZEROS[1:]]),
            AppDay("long", days_ago(27), state="rejected"),
            AppDay("long", days_ago(29), state="rejected"),
            AppDay("long", days_ago(30), ZEROS),
            AppDay("long", days_ago(31), state="failed"),
            AppDay("long", days_ago(33), state="failed"),
        ]
    )
    # Pending: of short 1, 11 and 12 days ago, of long 28 and 32. Two days behind the window are requested.
    by_state = {"collected": 35, "partial": 1, "pending": 5, "rejected": 2, "failed": 1}
    lost = len(range(13, 41)) + len(range(33, 41))
    assert stands(warehouse) == Gauges(by_state, days_left=0, age_days=32, lost_app_days=lost)


def test_the_first_uncollected_day_says_how_many_days_are_left(warehouse: Warehouse) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(29))])
    warehouse.add_days(AppDay("a", days_ago(age), ZEROS) for age in range(1, 30) if age not in (7, 28))
    assert stands(warehouse) == Gauges({"collected": 27, "pending": 2}, 2, 28, 0)


def test_where_everything_is_collected_the_newest_day_says_how_many_are_left(warehouse: Warehouse) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(2))])
    warehouse.add_days([AppDay("a", days_ago(1), ZEROS), AppDay("a", days_ago(2), [None, *ZEROS[1:]])])
    # What is partial is asked for again, but nothing is lost if that is all the vendor has.
    assert stands(warehouse) == Gauges({"collected": 1, "partial": 1}, 29, 0, 0)
