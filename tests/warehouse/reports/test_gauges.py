"""The gauges: available app-days by state, days left for the first uncollected day, and lost app-days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.gauges import Gauges, read_gauges
from tests.warehouse.database import App, AppDay, Warehouse

ZEROS = [0.0] * 288


def gauges(warehouse: Warehouse) -> Gauges:
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as connection:
        found = read_gauges(connection)
    engine.dispose()
    return found


def days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def test_without_expected_days_nothing_expires(warehouse: Warehouse) -> None:
    assert gauges(warehouse) == Gauges({}, None, 0, 0)


def test_available_days_of_all_accounts_are_counted_by_state(warehouse: Warehouse) -> None:
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
    # Pending: 1, 11 and 12 days ago for short, 28 and 32 for long. Two days behind a window are requested.
    by_state = {"collected": 35, "partial": 1, "pending": 5, "rejected": 2, "failed": 1}
    lost = len(range(13, 41)) + len(range(33, 41))
    assert gauges(warehouse) == Gauges(by_state, days_left=0, age_days=32, lost_app_days=lost)


def test_days_left_refer_to_the_first_uncollected_day(warehouse: Warehouse) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(29))])
    warehouse.add_days(AppDay("a", days_ago(age), ZEROS) for age in range(1, 30) if age not in (7, 28))
    assert gauges(warehouse) == Gauges({"collected": 27, "pending": 2}, 2, 28, 0)


def test_days_left_refer_to_the_newest_day_if_all_are_collected(warehouse: Warehouse) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(2))])
    warehouse.add_days([AppDay("a", days_ago(1), ZEROS), AppDay("a", days_ago(2), [None, *ZEROS[1:]])])
    # A partial day is requested again, but nothing is lost if the vendor has no more points.
    assert gauges(warehouse) == Gauges({"collected": 1, "partial": 1}, 29, 0, 0)
