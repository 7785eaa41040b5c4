"""How the configured apps determine the expected days of each app."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from agora.settings.apps import parse_apps
from agora.warehouse.apps import accounts_of_removed
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def stored_apps(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    return {row["app_id"]: row for row in warehouse.rows("select * from core.app")}


def expected_periods(warehouse: Warehouse, app_id: str) -> list[tuple[date, date | None]]:
    """Return the periods in which days of an app are expected, each with an exclusive end."""
    rows = warehouse.rows(
        "select lower(period) as first, upper(period) as until"
        " from core.app cross join lateral unnest(wanted) as period where app_id = %s order by period",
        (app_id,),
    )
    return [(row["first"], row["until"]) for row in rows]


def test_a_removed_apps_open_days_are_collected_and_no_others(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        stays, leaves = sandbox.app_ids
        night.configure()

        night.apps = parse_apps([stays])
        planned, _ = night.run()
        assert set(keys(planned.app_days)) == product([stays, leaves], days)
        assert_collected(night, sandbox, product([stays, leaves], days))
        stored = stored_apps(warehouse)
        assert stored[leaves]["removed_on"] == sandbox.today()
        assert expected_periods(warehouse, leaves) == [(days[0], sandbox.today())]
        assert stored[stays]["removed_on"] is None
        assert expected_periods(warehouse, stays) == [(days[0], None)]


def test_a_billing_group_is_the_account_until_it_is_configured(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        (app_id,) = sandbox.app_ids
        night = night_of(sandbox, warehouse)
        for configured, group in (
            ([app_id], "agora_dashboard"),
            ([{"app_id": app_id, "billing_group": "customer one"}], "customer one"),
            ([app_id], "agora_dashboard"),
        ):
            night.apps = parse_apps(configured)
            night.configure()
            assert warehouse.rows("select billing_group from core.app_calendar") == [{"billing_group": group}]


def test_a_restored_app_is_not_expected_for_days_that_left_the_window(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        recently, long_ago = sandbox.app_ids
        night.configure()
        left = {recently: days[-5], long_ago: days[0] - timedelta(days=100)}
        for app_id, day in left.items():
            warehouse.run(
                "update core.app set removed_on = %s, wanted = datemultirange(daterange(%s, %s))"
                " where app_id = %s",
                (day, days[0] - timedelta(days=200), day, app_id),
            )

        planned = night.plan()
        assert expected_periods(warehouse, recently) == [(days[0] - timedelta(days=200), None)]
        assert expected_periods(warehouse, long_ago) == [
            (days[0] - timedelta(days=200), left[long_ago]),
            (days[0], None),
        ]
        assert {row["removed_on"] for row in stored_apps(warehouse).values()} == {None}
        # Days expected before the app was removed are requested for two days after they leave the window.
        margin = [days[0] - timedelta(days=1), days[0] - timedelta(days=2)]
        assert set(keys(planned.app_days)) == product(sandbox.app_ids, days) | product([recently], margin)


def test_a_removed_app_unknown_to_the_vendor_is_still_requested(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, [*sandbox.app_ids, "misspelt"]), window_days(sandbox)
        _, summary = night.run()
        assert list(summary.failures) == ["misspelt"]

        night.apps = parse_apps(sandbox.app_ids)
        sandbox.reset_stats()
        planned, summary = night.run()

        assert set(keys(planned.app_days)) == product(["misspelt"], days)
        assert list(summary.failures) == ["misspelt"]
        assert sandbox.stats()["by_status"]["404"] <= 1 + 3 + night.account.max_concurrency
        coverage = warehouse.rows("select state from mart.coverage where app_id = 'misspelt'")
        assert len(coverage) == len(days)
        assert "lost" not in {row["state"] for row in coverage}


def test_an_app_moves_to_another_account_regardless_of_the_planning_order(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as old, running_sandbox(apps=2, quiet=True) as new:
        stays, moves = new.app_ids
        before, days = night_of(old, warehouse, [stays, moves]), window_days(new)
        before.configure()
        after = night_of(new, warehouse, [{"app_id": moves, "conn_id": "second"}], conn_id="second")
        after.configured_elsewhere = [stays]
        before.apps = parse_apps([stays])
        before.configured_elsewhere = [moves]

        # A run writes all accounts to the warehouse before it plans any of them.
        before.configure()
        assert stored_apps(warehouse)[moves]["removed_on"] is None
        after.configure()
        planned = before.plan()
        assert set(keys(planned.app_days)) == product([stays], days), (
            "the moved app is requested from the old account"
        )
        assert stored_apps(warehouse)[moves]["removed_on"] is None

        planned, _ = after.run()
        assert set(keys(planned.app_days)) == product([moves], days)
        assert stored_apps(warehouse)[moves]["conn_id"] == "second"
        before.plan()
        assert stored_apps(warehouse)[moves]["removed_on"] is None
        collected = {key for key, row in after.ledger().items() if row["conn_id"] == "second"}
        assert collected == product([moves], days)
        assert {after.states()[key] for key in collected} == {"collected"}


def test_a_renamed_app_keeps_its_key_and_days(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        (app_id,) = sandbox.app_ids
        night = night_of(sandbox, warehouse)
        night.run()
        before, ledger = stored_apps(warehouse)[app_id], night.ledger()
        assert before["name"] == app_id

        night.apps = parse_apps([{"app_id": app_id, "name": "Класс 3б"}])
        assert night.plan().app_days == []
        assert stored_apps(warehouse)[app_id] == {**before, "name": "Класс 3б"}
        assert night.ledger() == ledger
        (shown,) = warehouse.rows("select distinct app_name from mart.bandwidth_5min", role="analyst")
        assert shown["app_name"] == "Класс 3б"


def test_only_days_from_collect_from_to_collect_until_are_expected(warehouse: Warehouse) -> None:
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


def test_an_earlier_collect_from_adds_expected_days(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        days = window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night = night_of(sandbox, warehouse, [{"app_id": app_id, "collect_from": str(days[-2])}])
        night.run()
        night.apps = parse_apps([{"app_id": app_id, "collect_from": str(days[-4])}])
        assert keys(night.plan().app_days) == [(app_id, day) for day in days[-4:-2]]


def test_without_collect_from_the_first_day_is_the_oldest_of_the_window_and_stays(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        (app_id,) = sandbox.app_ids
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.plan()
        assert expected_periods(warehouse, app_id) == [(days[0], None)]
        earlier = days[0] - timedelta(days=3)
        warehouse.run("update core.app set wanted = datemultirange(daterange(%s, null))", (earlier,))
        night.plan()
        assert expected_periods(warehouse, app_id) == [(earlier, None)]


def test_without_apps_nothing_is_planned_or_requested(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, [])
        planned = night.plan()
        assert (planned.app_days, planned.rechecks, planned.unusable) == ([], 0, "")
        assert sandbox.stats()["requests"] == 0


def test_an_app_moved_from_a_wrong_account_is_collected_from_its_own(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as right, running_sandbox(apps=1, seed=8, quiet=True) as wrong:
        stays, moves = right.app_ids
        (other,) = wrong.app_ids
        mistaken = night_of(wrong, warehouse, [other, moves], conn_id="mistaken")
        mistaken.run()
        mistaken.apps = parse_apps([{"app_id": other, "conn_id": "mistaken"}])
        mistaken.run()
        assert {state for (app_id, _), state in mistaken.states().items() if app_id == moves} == {"failed"}

        night, days = night_of(right, warehouse, [stays, moves]), window_days(right)
        night.configured_elsewhere = [other]
        planned, _ = night.run()
        assert set(keys(planned.app_days)) == product([stays, moves], days)
        assert {state for (app_id, _), state in night.states().items() if app_id == moves} == {"collected"}


def test_a_removed_app_that_had_already_ended_can_be_configured_again(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        stays, ended = sandbox.app_ids
        apps = [stays, {"app_id": ended, "collect_until": str(window_days(sandbox)[3])}]
        night = night_of(sandbox, warehouse, apps)
        removed = []
        for configured in (apps, [stays], apps):
            night.apps = parse_apps(configured)
            night.plan()
            removed.append(stored_apps(warehouse)[ended]["removed_on"])
        assert removed == [None, sandbox.today(), None]


def test_an_account_without_apps_stays_open_until_its_days_leave_the_window(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.configure()
        night.apps = []
        assert open_accounts(warehouse) == []
        planned = night.plan()
        assert open_accounts(warehouse) == ["agora_dashboard"]
        night.collect(planned.app_days)
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        # The app's last days are re-checked until they leave the window.
        assert open_accounts(warehouse) == ["agora_dashboard"]
        night.shift_clocks(timedelta(days=40))
        assert open_accounts(warehouse) == []


def open_accounts(warehouse: Warehouse) -> list[str]:
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        with engine.connect() as connection:
            return accounts_of_removed(connection)
    finally:
        engine.dispose()
