"""The configured apps, carried over: which days of which app are wanted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agora.settings import parse_apps
from sandbox.testing import running_sandbox
from tests.collect.night import keys, night_of, product, window_days
from tests.warehouse.database import Warehouse, days_between


def apps_held(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    return {row["app_id"]: row for row in warehouse.rows("select * from core.app")}


def test_a_removed_app_is_wanted_until_yesterday_and_comes_back(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        stays, leaves = sandbox.app_ids
        night.plan()
        assert apps_held(warehouse)[leaves]["wanted_until"] is None

        night.apps = parse_apps([stays])
        planned = night.plan()
        assert set(keys(planned.app_days)) == product([stays], days)
        assert apps_held(warehouse)[leaves]["wanted_until"] == days[-1]
        assert apps_held(warehouse)[stays]["wanted_until"] is None

        warehouse.run(
            "update core.app set wanted_until = %s where app_id = %s", (days[-5], leaves)
        )  # as if it had been removed some days ago
        night.plan()
        assert apps_held(warehouse)[leaves]["wanted_until"] == days[-5], "the day it left stays"

        night.apps = parse_apps([stays, leaves])
        planned = night.plan()
        assert apps_held(warehouse)[leaves]["wanted_until"] is None
        assert set(keys(planned.app_days)) == product([stays, leaves], days)


def test_a_renamed_app_keeps_its_key_and_days(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        (app_id,) = sandbox.app_ids
        night = night_of(sandbox, warehouse)
        night.run()
        before, ledger = apps_held(warehouse)[app_id], night.ledger()
        assert before["name"] == app_id

        night.apps = parse_apps([{"app_id": app_id, "name": "Класс 3б"}])
        assert night.plan().app_days == []
        assert apps_held(warehouse)[app_id] == {**before, "name": "Класс 3б"}
        assert night.ledger() == ledger
        (shown,) = warehouse.rows("select distinct app_name from mart.bandwidth_5min", role="analyst")
        assert shown["app_name"] == "Класс 3б"


def test_only_the_days_from_and_until_are_wanted(warehouse: Warehouse) -> None:
    with running_sandbox(apps=4, quiet=True) as sandbox:
        days = window_days(sandbox)
        some, none, since, until = sandbox.app_ids
        apps = [
            {"app_id": some, "collect_from": str(days[3]), "collect_until": str(days[6])},
            {"app_id": none, "collect_from": str(sandbox.today() + timedelta(days=5))},
            {"app_id": since, "collect_from": str(days[-2])},
            {"app_id": until, "collect_until": str(days[1])},
        ]
        planned, _ = night_of(sandbox, warehouse, apps).run()
        assert set(keys(planned.app_days)) == (
            product([some], days[3:7]) | product([since], days[-2:]) | product([until], days[:2])
        )


def test_an_earlier_first_day_is_taken_on(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        days = window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night = night_of(sandbox, warehouse, [{"app_id": app_id, "collect_from": str(days[-2])}])
        night.run()
        night.apps = parse_apps([{"app_id": app_id, "collect_from": str(days[-4])}])
        assert keys(night.plan().app_days) == [(app_id, day) for day in days[-4:-2]]


def test_without_a_first_day_it_is_the_windows_oldest_and_stays(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        (app_id,) = sandbox.app_ids
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.plan()
        assert apps_held(warehouse)[app_id]["wanted_from"] == days[0]
        moved_on = days_between(days[0] - timedelta(days=3), days[-1])
        warehouse.run("update core.app set wanted_from = %s", (moved_on[0],))
        night.plan()
        assert apps_held(warehouse)[app_id]["wanted_from"] == moved_on[0]


def test_no_apps_are_no_work(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, [])
        planned = night.plan()
        assert (planned.app_days, planned.lost, planned.unusable) == ([], [], "")
        assert sandbox.stats()["requests"] == 0
