"""Apps that leave the configuration, run by run, in a real warehouse."""

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
    """Carry the configuration over as a run's planning task does."""
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        with engine.begin() as connection:
            gone = apps.retire(connection, app_ids, run_id)
            apps.sync(connection, ACCOUNT, parse_apps(app_ids))
    finally:
        engine.dispose()
    return gone


def test_a_run_finds_apps_gone_again_if_it_is_cleared_and_the_next_run_does_not(warehouse: Warehouse) -> None:
    assert run(warehouse, "first", APP_IDS) == ([], 0)
    assert run(warehouse, "second", APP_IDS) == ([], 10)

    gone = run(warehouse, "third", APP_IDS[3:])
    assert gone == ([(app_id, app_id) for app_id in APP_IDS[:3]], 10)
    assert removed_apps.are_many(gone)
    assert run(warehouse, "third", APP_IDS[3:]) == gone, "the same run, cleared"

    assert run(warehouse, "fourth", APP_IDS[3:]) == ([], 7)
    assert run(warehouse, "third", APP_IDS[3:]) == gone, "a run is cleared after others"


def test_apps_that_come_back_are_gone_for_no_run(warehouse: Warehouse) -> None:
    run(warehouse, "first", APP_IDS)
    assert removed_apps.are_many(run(warehouse, "second", APP_IDS[:1]))
    # The configuration is restored, and the failed run is cleared.
    assert run(warehouse, "second", APP_IDS).apps == []
    assert run(warehouse, "second", APP_IDS) == ([], 10)


def test_few_apps_are_named_without_a_failure(warehouse: Warehouse) -> None:
    run(warehouse, "first", APP_IDS)
    gone = run(warehouse, "second", APP_IDS[2:])
    assert [app_id for app_id, _ in gone.apps] == APP_IDS[:2]
    assert not removed_apps.are_many(gone)
