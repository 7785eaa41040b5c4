"""Upgrading from release 1.0.0 rounds the figures of bills and changes them in no other way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from psycopg2 import errors

from agora.errors import WarehouseError
from agora.warehouse.migrations import migrate as module
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.migrations.schema_version import SQL
from deploy.local.postgres_throwaway import Throwaway
from tests.warehouse.database import App, AppDay, Warehouse
from tests.warehouse.figures_check import compare_bills
from tests.warehouse.reference import rounded
from tests.warehouse.releases import restored

DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(31)]
FIGURES = (
    "select mean_daily_peak_kbps as mean, fourth_peak_kbps as fourth from mart.{view} order by month, mean"
)


@pytest.fixture
def released(postgres: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse of release 1.0.0 whose figures have more than three decimal places."""
    with restored(postgres, "1.0.0") as warehouse:
        warehouse.add_account()
        warehouse.add_apps([App(app_id, DAYS[0], DAYS[-1]) for app_id in ("a", "b")])
        warehouse.add_days(
            AppDay(app_id, day, [day.day / 7 + size + slot / 1000 for slot in range(288)])
            for app_id, size in (("a", 0.1), ("b", 20.2))
            for day in DAYS
        )
        yield warehouse


def test_an_upgrade_rounds_the_bills(released: Warehouse) -> None:
    queries = [FIGURES.format(view=view) for view in ("billing_monthly", "billing_monthly_total")]
    was = [row for query in queries for row in released.rows(query)]
    migrate(released.url())
    now = [row for query in queries for row in released.rows(query)]
    assert len(was) == 3
    assert all(len(str(row["mean"])) > 10 for row in was)
    assert now == [{name: rounded(kbps) for name, kbps in row.items()} for row in was]
    with released.connect() as connection:
        assert compare_bills(connection).wrong == []


def test_an_upgrade_that_changes_more_than_the_last_place_is_refused(
    released: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [
        view.replace("round(month.peak_kbps::numeric, 3)", "round(month.peak_kbps::numeric, 3) + 0.002")
        for view in module._views()
    ]
    monkeypatch.setattr(module, "_views", lambda: views)
    with pytest.raises(WarehouseError, match=r"for 2025-03: peak_kbps was .*Nothing was changed"):
        migrate(released.url())


@pytest.mark.parametrize(
    "view", ["bandwidth_5min_total", "bandwidth_daily", "billing_monthly", "restatement"]
)
def test_a_custom_view_stops_the_migration_and_is_named(warehouse: Warehouse, view: str) -> None:
    warehouse.run(f"create view public.mine as select * from mart.{view}")
    migration = (SQL / "migrations" / "versions" / "0010_rounded_figures.sql").read_text("utf-8")
    with pytest.raises(errors.DependentObjectsStillExist, match=rf"mine depends on view mart.{view}"):
        warehouse.run(migration)
