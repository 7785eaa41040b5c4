"""Days of accounts that left the configuration: lost once the window has passed them, never before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from agora.warehouse import apps, lost
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import App, AppDay, Warehouse, days_between

FULL = [1.0] * 288


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


@pytest.fixture
def today(warehouse: Warehouse) -> date:
    """Return today in UTC, with two accounts of one app each, wanted for forty days."""
    today = datetime.now(UTC).date()
    for conn_id in ("stays", "goes"):
        warehouse.add_account(window="30 days", conn_id=conn_id)
        warehouse.add_apps([App(f"app_{conn_id}", today - timedelta(days=40), conn_id=conn_id)])
        warehouse.add_days([AppDay(f"app_{conn_id}", today - timedelta(days=40), kbps=FULL)])
    return today


def retire(engine: Engine, conn_ids: list[str], configured: list[str]) -> int:
    with engine.begin() as connection:
        apps.retire_others(connection, conn_ids, configured, datetime.now(UTC))
        return lost.mark_expired(connection, conn_ids)


def lost_days(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from mart.coverage where state = 'lost' order by usage_date")


def test_what_the_window_has_passed_is_lost_with_its_reason_and_no_other_day(
    warehouse: Warehouse, engine: Engine, today: date
) -> None:
    assert retire(engine, ["stays"], ["app_stays"]) == 9
    rows = lost_days(warehouse)
    expected = days_between(today - timedelta(days=39), today - timedelta(days=31))
    assert [(row["app_id"], row["usage_date"]) for row in rows] == [("app_goes", day) for day in expected]
    assert {row["reason"] for row in rows} == {
        f"the connection goes left the configuration on {today}, so nobody asked before the vendor's window"
        " had passed"
    }
    assert retire(engine, ["stays"], ["app_stays"]) == 0


def test_the_account_that_stays_loses_nothing_by_the_calendar(
    warehouse: Warehouse, engine: Engine, today: date
) -> None:
    assert retire(engine, ["stays", "goes"], ["app_stays", "app_goes"]) == 0
    assert lost_days(warehouse) == []


def test_an_app_on_its_way_to_another_account_is_not_retired(
    warehouse: Warehouse, engine: Engine, today: date
) -> None:
    assert retire(engine, ["stays"], ["app_stays", "app_goes"]) == 0
    assert warehouse.rows("select distinct removed_on from core.app") == [{"removed_on": None}]
