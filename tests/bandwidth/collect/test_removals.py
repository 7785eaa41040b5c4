"""Apps that are removed from the configuration, in consecutive runs with a real warehouse."""

from __future__ import annotations

from agora.dag_support import removed_apps
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from agora.warehouse import apps
from agora.warehouse.apps import RemovedApps
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse

APP_IDS = [f"app{number:02}" for number in range(10)]
ACCOUNT = parse_dashboard("agora_dashboard", {"customer_id": "somebody", "customer_certificate": "unused"})


def run(warehouse: Warehouse, run_id: str, app_ids: list[str]) -> RemovedApps:
    """Write the configuration to the warehouse, as the planning task of a run does."""
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        with engine.begin() as connection:
            removed = apps.retire(connection, app_ids, run_id)
            apps.sync(connection, ACCOUNT, parse_apps(app_ids))
    finally:
        engine.dispose()
    return removed


def test_a_cleared_run_reports_its_removed_apps_again_and_later_runs_do_not(warehouse: Warehouse) -> None:
    assert run(warehouse, "first", APP_IDS) == ([], 0)
    assert run(warehouse, "second", APP_IDS) == ([], 10)

    removed = run(warehouse, "third", APP_IDS[3:])
    assert removed == ([(app_id, app_id) for app_id in APP_IDS[:3]], 10)
    assert removed_apps.are_many(removed)
    assert run(warehouse, "third", APP_IDS[3:]) == removed, "the same run after clearing"

    assert run(warehouse, "fourth", APP_IDS[3:]) == ([], 7)
    assert run(warehouse, "third", APP_IDS[3:]) == removed, "an earlier run after clearing"


def test_restored_apps_are_not_reported_as_removed(warehouse: Warehouse) -> None:
    run(warehouse, "first", APP_IDS)
    assert removed_apps.are_many(run(warehouse, "second", APP_IDS[:1]))
    # The configuration is restored, and the failed run is cleared.
    assert run(warehouse, "second", APP_IDS).apps == []
    assert run(warehouse, "second", APP_IDS) == ([], 10)


def test_a_few_removed_apps_are_named_without_a_failure(warehouse: Warehouse) -> None:
    run(warehouse, "first", APP_IDS)
    removed = run(warehouse, "second", APP_IDS[2:])
    assert [app_id for app_id, _ in removed.apps] == APP_IDS[:2]
    assert not removed_apps.are_many(removed)
