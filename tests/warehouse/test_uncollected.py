"""What the watch reads: wanted app-days that are not collected and were not gone at the last look."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.uncollected import Uncollected, apps_known, lost_in_all, uncollected
from tests.warehouse.database import App, AppDay, Warehouse

ZEROS = [0.0] * 288


@pytest.fixture
def loader(warehouse: Warehouse) -> Engine:
    return warehouse_engine(warehouse.url("loader"))


def look(loader: Engine, since: datetime | None = None) -> list[Uncollected]:
    with loader.connect() as connection:
        return uncollected(connection, since or datetime.now(UTC))


def days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def test_days_nobody_asked_for_are_there_without_any_run(warehouse: Warehouse, loader: Engine) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(400)), App("b", days_ago(2))])
    found = look(loader)
    assert {(day.app_id, day.state, day.reason) for day in found} == {
        ("a", "pending", "not asked yet"),
        ("b", "pending", "not asked yet"),
    }
    assert min(day.days_left for day in found) == 0
    assert found[0] == Uncollected(
        "agora_dashboard", "a", "Name of a", days_ago(30), "pending", "not asked yet", 0
    )
    assert [day.usage_date for day in found if day.app_id == "b"] == [days_ago(2), days_ago(1)]


def test_what_is_collected_is_not_there_and_every_other_state_is(
    warehouse: Warehouse, loader: Engine
) -> None:
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", days_ago(5))])
    warehouse.add_days(
        [
            AppDay("a", days_ago(5), ZEROS),
            AppDay("a", days_ago(4), [None, *ZEROS[1:]]),
            AppDay("a", days_ago(3), state="rejected"),
            AppDay("a", days_ago(2), state="lost"),
        ]
    )
    assert [(day.usage_date, day.state) for day in look(loader)] == [
        (days_ago(4), "partial"),
        (days_ago(3), "rejected"),
        (days_ago(2), "lost"),
        (days_ago(1), "pending"),
    ]


def test_what_was_gone_at_the_last_look_is_left_out_in_the_accounts_own_days(
    warehouse: Warehouse, loader: Engine
) -> None:
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        warehouse.add_account(zone, window="30 days", conn_id=zone)
        warehouse.add_apps([App(zone, days_ago(60), conn_id=zone)])
    three_days_ago = datetime.now(UTC) - timedelta(days=3)
    for since, gone_since in ((datetime.now(UTC), 0), (three_days_ago, 3)):
        found = look(loader, since)
        for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
            assert min(day.days_left for day in found if day.app_id == zone) == -gone_since


def test_apps_and_losses_are_counted(warehouse: Warehouse, loader: Engine) -> None:
    with loader.connect() as connection:
        assert (apps_known(connection), lost_in_all(connection)) == (0, 0)
    warehouse.add_account()
    warehouse.add_apps([App("a", days_ago(5)), App("b", days_ago(5))])
    warehouse.add_days([AppDay("a", days_ago(500), state="lost"), AppDay("a", days_ago(4), state="failed")])
    with loader.connect() as connection:
        assert (apps_known(connection), lost_in_all(connection)) == (2, 1)
