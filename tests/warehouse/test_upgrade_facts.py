"""Upgrading from release 1.0.0, which stored conclusions instead of facts, loses no fact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from agora.errors import WarehouseError
from agora.settings.apps import AppSettings
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations import migrate as module
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import Throwaway
from tests.bandwidth.collect.night import sync_and_plan
from tests.conftest import fresh_warehouse
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.figures_check import compare_bills
from tests.warehouse.releases import restored

TODAY = datetime.now(UTC).date()
FULL = [1.5] * 288
EDGE = "outside the vendor's window: on {on} it served {served}, and said to {refused} (HTTP 400): too old"
ACCOUNT = {"customer_id": "nobody", "customer_certificate": "unused", "window": "30 days"}
ADD_ENTRY = """
insert into core.app_day (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason
)
select
    app.app_key, day.usage_date, day.usage_date::timestamp at time zone account.timezone, day.state, 0,
    day.attempts, day.http_status, day.reason
from core.app inner join core.vendor_account as account using (conn_id)
cross join (
    values (%s::date, %s, %s, %s::smallint, %s)
) as day (usage_date, state, attempts, http_status, reason)
where app.app_id = %s
"""


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture(scope="module")
def template(postgres: Throwaway) -> Iterator[str]:
    with restored(postgres, "1.0.0") as warehouse:
        warehouse.add_account(window="30 days")
        yield warehouse.database


@pytest.fixture
def old(postgres: Throwaway, template: str) -> Iterator[Warehouse]:
    """Yield an empty warehouse of release 1.0.0 with an account whose window is 30 days."""
    yield from fresh_warehouse(postgres, template)


def add_entry(
    warehouse: Warehouse, app_id: str, day: date, state: str, attempts: int, status: int | None, reason: str
) -> None:
    warehouse.run(ADD_ENTRY, (day, state, attempts, status, reason, app_id), "loader")


def set_first_seen(warehouse: Warehouse, days: dict[str, date]) -> None:
    """Set the times at which apps were first seen to noon on these days."""
    for app_id, day in days.items():
        warehouse.run(
            "update core.app set first_seen_at = %s::timestamp at time zone 'UTC' + interval '12 hours'"
            " where app_id = %s",
            (day, app_id),
        )


def ledger(warehouse: Warehouse) -> dict[tuple[str, date], dict[str, Any]]:
    rows = warehouse.rows("select app.app_id, app_day.* from core.app_day join core.app using (app_key)")
    return {(row["app_id"], row["usage_date"]): row for row in rows}


def coverage(warehouse: Warehouse) -> dict[tuple[str, date], str]:
    rows = warehouse.rows("select app_id, usage_date, state from mart.coverage")
    return {(row["app_id"], row["usage_date"]): row["state"] for row in rows}


def planned(warehouse: Warehouse, app_ids: list[str]) -> set[tuple[str, date]]:
    """Return the app-days that the next night requests."""
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        plan = sync_and_plan(
            engine,
            parse_dashboard("agora_dashboard", {**ACCOUNT, "base_url": "http://127.0.0.1:1"}),
            [AppSettings(app_id=app_id) for app_id in app_ids],
        )
    finally:
        engine.dispose()
    return {(app_day[0], app_day[1]) for app_day in plan.app_days}


def assert_figures_are_right(warehouse: Warehouse) -> None:
    """Compare every bill with the reference, before and after a refresh."""
    with warehouse.connect() as connection:
        assert compare_bills(connection).wrong == []
        engine = warehouse_engine(warehouse.url("loader"))
        refresh(engine)
        engine.dispose()
        comparison = compare_bills(connection)
    assert (comparison.wrong, comparison.noted) == ([], 0)


def test_lost_days_of_every_origin_become_facts_again(old: Warehouse) -> None:
    old.add_apps([App("a", ago(30))])
    edge = EDGE.format(on=TODAY, served=ago(2), refused=ago(3))
    add_entry(old, "a", ago(29), "lost", 0, 400, edge)
    add_entry(old, "a", ago(28), "lost", 3, 400, f"{edge}; before that: too old")
    add_entry(old, "a", ago(27), "lost", 2, 200, f"{edge}; before that: 1 of 288 points is negative")
    add_entry(old, "a", ago(26), "lost", 4, 404, "the app left the configuration; before that: no such app")
    add_entry(old, "a", ago(25), "lost", 1, None, f"{edge}; before that: {edge}; before that: no answer")
    add_entry(old, "a", ago(24), "lost", 1, 503, "busy")
    # The first day was given up and reopened when the app returned. The second was never requested.
    add_entry(old, "a", ago(23), "failed", 0, 400, edge)
    add_entry(old, "a", ago(22), "failed", 0, None, "not asked: the vendor does not know the app")
    old.add_days([AppDay("a", ago(21), FULL), AppDay("a", ago(20), [None, *FULL[1:]]), AppDay("a", ago(19))])
    before = ledger(old)
    migrate(old.url())

    after = ledger(old)
    assert {
        key[1]: (row["state"], row["attempts"], row["http_status"], row["reason"])
        for key, row in after.items()
        if row["kbps"] is None
    } == {
        ago(28): ("failed", 3, 400, "too old"),
        ago(27): ("rejected", 2, 200, "1 of 288 points is negative"),
        ago(26): ("failed", 4, 404, "no such app"),
        ago(25): ("failed", 1, None, "no answer"),
        ago(24): ("failed", 1, 503, "busy"),
        ago(19): ("failed", 1, None, "given as failed"),
    }
    for day in (ago(21), ago(20), ago(19)):
        was, now = before["a", day], after["a", day]
        assert {name: now[name] for name in was} == was
    states = coverage(old)
    assert "lost" not in states.values(), "all days may still be available"
    assert [states["a", ago(n)] for n in (29, 23, 22)] == ["pending"] * 3
    open_days = {("a", ago(n)) for n in range(1, 31) if n != 21}
    assert planned(old, ["a"]) == open_days, "every day that was given up is requested again"
    assert_figures_are_right(old)


def test_days_from_before_collection_began_are_no_longer_expected(old: Warehouse) -> None:
    """Release 1.0.0 stored days from before collection as lost if collect_from or a backfill named them."""
    old.add_apps([App("new", ago(120)), App("served", ago(120)), App("backfilled", ago(40))])
    set_first_seen(old, {"new": ago(10), "served": ago(10), "backfilled": ago(10)})
    edge = EDGE.format(on=ago(10), served=ago(39), refused=ago(41))
    for day in days_between(ago(120), ago(41)):
        add_entry(old, "new", day, "lost", 0, 400, edge)
    for day in days_between(ago(45), ago(41)):
        add_entry(old, "backfilled", day, "lost", 0, 400, edge)
    add_entry(old, "backfilled", ago(300), "lost", 2, 400, f"{edge}; before that: too old")
    old.add_days(AppDay("new", day, FULL) for day in days_between(ago(38), ago(1)))
    old.add_days([AppDay("served", ago(50), FULL), AppDay("backfilled", ago(200), FULL)])
    migrate(old.url())

    states = coverage(old)
    assert {day for app_id, day in states if app_id == "new"} == set(days_between(ago(40), ago(1)))
    assert [states["new", ago(n)] for n in (40, 39)] == ["lost", "lost"], (
        "available when the app was first seen"
    )
    assert {day for app_id, day in states if app_id == "served"} == set(days_between(ago(50), ago(1))), (
        "a day with points was available, so the later days were too"
    )
    assert {day for app_id, day in states if app_id == "backfilled"} == {
        ago(200),
        *days_between(ago(40), ago(1)),
    }
    assert ledger(old)["backfilled", ago(300)]["state"] == "failed", (
        "a fact, although the day is not expected"
    )
    again = {key for key in planned(old, ["new", "served", "backfilled"]) if states[key] != "collected"}
    assert again == {key for key, state in states.items() if state == "pending"}
    assert_figures_are_right(old)


def test_days_requested_by_a_typo_leave_no_trace(old: Warehouse) -> None:
    """One backfill began in 2016 instead of 2026: 3,626 entries per app. Another began in the year 206."""
    app_ids = ("00", "01", "02", "03")
    old.add_apps(App(app_id, ago(29)) for app_id in app_ids)
    old.add_days(AppDay(app_id, ago(2), FULL) for app_id in app_ids)
    old.run(
        "insert into core.app_day"
        " (app_key, usage_date, starts_at, state, points, attempts, http_status, reason)"
        " select app_key, day::date, day at time zone 'UTC', 'lost', 0, 0, 400, 'outside'"
        " from core.app"
        " cross join generate_series(timestamp '2016-10-28', timestamp '2026-10-01', '1 day') as day"
    )
    add_entry(old, "00", date(206, 10, 28), "lost", 0, 400, "outside")
    (count,) = old.rows("select count(*) from core.app_day where state = 'lost'")
    assert count["count"] == len(app_ids) * 3626 + 1
    old.rows("select core.refresh_figures(100000)", role="loader")
    migrate(old.url())
    assert set(ledger(old)) == {(app_id, ago(2)) for app_id in app_ids}
    assert {day for _, day in coverage(old)} == set(days_between(ago(29), ago(1)))
    # Revision 0009 stores the sums of days with points again.
    assert old.rows("select usage_date from core.changed_app_day") == [{"usage_date": ago(2)}]
    assert old.rows("select min(lower(usage_dates)) as first from core.entered_days") == [{"first": ago(2)}]
    assert_figures_are_right(old)


@pytest.mark.parametrize("removed", [None, "own", "other", "both"])
def test_spellings_of_an_app_id_become_one_app_with_every_point(old: Warehouse, removed: str | None) -> None:
    low, high = [2.0] * 288, [3.0] * 288
    gap = [None, *low[1:]]
    old.add_apps([App("AB", ago(20)), App("other", ago(20)), App("ab", ago(25)), App("XY", ago(9))])
    set_first_seen(old, dict.fromkeys(("AB", "other", "ab"), ago(20)))
    for app_id, is_gone in (("AB", removed in ("own", "both")), ("ab", removed in ("other", "both"))):
        if is_gone:
            old.run(
                "update core.app set removed_on = %s, wanted = wanted * datemultirange(daterange(null, %s))"
                " where app_id = %s",
                (ago(5), ago(5), app_id),
            )
    old.add_days([AppDay("AB", ago(9), low), AppDay("AB", ago(8), gap), AppDay("AB", ago(7), high)])
    old.add_days([AppDay("ab", ago(8), high), AppDay("ab", ago(7), gap), AppDay("ab", ago(6), low)])
    old.add_days([AppDay("ab", ago(70), low), AppDay("AB", ago(4)), AppDay("XY", ago(3), low)])
    old.add_days([AppDay("other", ago(7), low), AppDay("ab", ago(9), high)])
    add_entry(old, "AB", ago(3), "lost", 0, 400, "outside")
    add_entry(old, "ab", ago(3), "lost", 2, 400, "outside; before that: too old")
    for app_id in ("AB", "ab"):
        old.add_raw(app_id, ago(9))
        old.run(
            "insert into core.restatement"
            " (app_key, usage_date, points_changed, points_added, old_collected_at, old_body_sha256)"
            " select app_key, %s, 1, 0, now(), '' from core.app where app_id = %s",
            (ago(9), app_id),
        )
        old.run(
            "insert into core.push_stream_state values (%s, 'agora_dashboard', true, %s, %s, 1)",
            (app_id, ago(9), ago(8) if app_id == "AB" else ago(1)),
        )
    refresh_before_upgrade(old)
    migrate(old.url())

    assert {row["app_id"] for row in old.rows("select app_id from core.app")} == {"ab", "other", "xy"}
    points = {key: row["kbps"] for key, row in ledger(old).items() if row["kbps"]}
    assert points == {
        ("ab", ago(70)): low,
        ("ab", ago(9)): low,
        ("ab", ago(8)): high,
        ("ab", ago(7)): high,
        ("ab", ago(6)): low,
        ("other", ago(7)): low,
        ("xy", ago(3)): low,
    }
    assert ledger(old)["ab", ago(3)]["attempts"] == 2, (
        "an entry without a request does not replace an entry with one"
    )
    assert old.rows(
        "select count(*) from core.restatement join core.app using (app_key) where app_id = 'ab'"
    ) == [{"count": 2}]
    assert old.rows("select distinct app_id, count(*) from raw.bandwidth_response group by 1") == [
        {"app_id": "ab", "count": 2}
    ]
    assert old.rows("select app_id, last_seen_at::date as day from core.push_stream_state") == [
        {"app_id": "ab", "day": ago(1)}
    ]
    (app,) = old.rows("select removed_on, upper_inf(wanted) as goes_on from core.app where app_id = 'ab'")
    is_gone = removed == "both"
    assert (app["removed_on"], app["goes_on"]) == ((ago(5), False) if is_gone else (None, True))
    assert_figures_are_right(old)
    for day in (ago(9), ago(8), ago(7)):
        total = old.rows(
            "select max(kbps) as kbps from mart.bandwidth_5min_total where usage_date = %s", (day,)
        )
        own = old.rows("select sum(kbps[2]) as kbps from core.app_day where usage_date = %s", (day,))
        assert total == own, "no point counts twice"


def refresh_before_upgrade(warehouse: Warehouse) -> None:
    warehouse.rows("select core.refresh_figures(1000000)", role="loader")


def test_each_day_has_its_collecting_account_and_time_of_verification(old: Warehouse) -> None:
    old.add_account("Asia/Shanghai", "30 days", "china")
    old.add_account("Asia/Tokyo", "30 days", "japan")
    old.add_apps([App("stays", ago(9)), App("moved", ago(9)), App("odd", ago(9), conn_id="japan")])
    old.add_days([AppDay("stays", ago(5), FULL), AppDay("moved", ago(5), FULL), AppDay("odd", ago(5), FULL)])
    old.add_days([AppDay("moved", ago(6))])
    old.run("update core.app set conn_id = 'china' where app_id = 'moved'")
    old.add_days([AppDay("moved", ago(4), FULL)])
    # The zone was corrected without a replay, so the day matches no account's midnight.
    old.run("update core.vendor_account set timezone = 'Asia/Kolkata' where conn_id = 'japan'")
    old.add_raw("stays", ago(5))
    old.run(
        "insert into raw.bandwidth_response (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
        " values ('moved', %s, now() + interval '1 hour', 200, 'another', 'another')",
        (ago(5),),
    )
    collected = {key: row["collected_at"] for key, row in ledger(old).items()}
    migrate(old.url())

    after = ledger(old)
    assert {key: row["conn_id"] for key, row in after.items()} == {
        ("stays", ago(5)): "agora_dashboard",
        ("moved", ago(6)): "agora_dashboard",
        ("moved", ago(5)): "agora_dashboard",
        ("moved", ago(4)): "china",
        ("odd", ago(5)): "japan",
    }
    fetched = old.rows("select fetched_at from raw.bandwidth_response where app_id = 'stays'")[0][
        "fetched_at"
    ]
    assert after["stays", ago(5)]["verified_at"] == fetched > collected["stays", ago(5)]
    assert after["moved", ago(5)]["verified_at"] == collected["moved", ago(5)], (
        "another body does not verify the day"
    )
    assert after["moved", ago(6)]["verified_at"] is None


def test_a_returning_app_is_expected_from_the_oldest_day_then_available(old: Warehouse) -> None:
    old.add_apps([App("back", ago(90)), App("gone", ago(90), ago(70))])
    set_first_seen(old, {"back": ago(95), "gone": ago(95)})
    old.run(
        "update core.app set wanted = datemultirange(daterange(%s, %s), daterange(%s, null))"
        " where app_id = 'back'",
        (ago(90), ago(70), ago(40)),
    )
    old.run("update core.app set removed_on = %s where app_id = 'gone'", (ago(69),))
    old.add_days([AppDay("back", ago(80), FULL)])
    migrate(old.url())
    (back, gone) = old.rows("select first_seen_at, removed_on from core.app order by app_id")
    assert back["first_seen_at"].date() == ago(10), "the oldest day in the window was then forty days ago"
    assert (gone["first_seen_at"].date(), gone["removed_on"]) == (ago(95), ago(69))
    before = coverage(old)
    assert {day for app_id, day in before if app_id == "back"} == {
        *days_between(ago(90), ago(71)),
        *days_between(ago(40), ago(1)),
    }
    planned(old, ["back"])
    assert coverage(old) == before, "the next plan does not change the coverage"


def test_recorded_runs_are_unchanged(old: Warehouse) -> None:
    old.run(
        "insert into core.collection_run"
        " (dag_id, run_id, started_at, app_days, app_days_changed, points, requests, retries,"
        " limited, failed_apps, collected, partial, rejected, failed, lost, pending)"
        " values ('daily', 'a', now(), 21, 2, 576, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6)"
    )
    was = old.rows("select * from core.collection_run")[0]
    migrate(old.url())
    (now,) = old.rows("select * from mart.collection_run", role="analyst")
    assert now == {
        **{name: value for name, value in was.items() if name != "points"},
        "points_received": 576,
        "app_days_received": None,
        "problems": "",
    }


@pytest.mark.parametrize(
    "view", ["mart.coverage", "mart.collection_run", "core.wanted_app_day", "mart.billing_monthly"]
)
def test_a_custom_view_stops_the_migration_and_is_named(old: Warehouse, view: str) -> None:
    old.run(f"create view public.mine as select * from {view}")
    with pytest.raises(WarehouseError, match="Nothing was changed") as refused:
        migrate(old.url())
    assert f"view public.mine depends on view {view}" in str(refused.value)
    old.run("drop view public.mine")
    migrate(old.url())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("delete from core.app_day where state = 'failed' and attempts = 2", "failed app-days: "),
        ("delete from core.app_day where points = 287", "partial app-days: "),
        ("update core.app_day set kbps_float8[9] = 7 where points = 288", "collected app-days: "),
        (
            "update core.app_day set usage_date = usage_date - 100 where points = 288",
            "collected app-days: ",
        ),
        ("delete from raw.bandwidth_response", "responses: "),
    ],
)
def test_a_real_loss_is_refused_among_intended_changes(
    old: Warehouse, monkeypatch: pytest.MonkeyPatch, damage: str, message: str
) -> None:
    old.add_apps([App("AB", ago(90)), App("ab", ago(90))])
    set_first_seen(old, {"AB": ago(10), "ab": ago(10)})
    old.add_days([AppDay("AB", ago(40), FULL), AppDay("ab", ago(40), [None, *FULL[1:]])])
    old.add_days([AppDay("ab", ago(41), [None, *FULL[1:]])])
    add_entry(old, "AB", ago(50), "lost", 2, 400, "outside; before that: too old")
    add_entry(old, "AB", ago(80), "lost", 0, 400, "outside")
    old.add_raw("AB", ago(40))
    monkeypatch.setattr(module, "_views", views_after(damage))
    with pytest.raises(WarehouseError, match=message):
        migrate(old.url())
    monkeypatch.undo()
    migrate(old.url())


def views_after(damage: str) -> Any:
    """Return the views, preceded by damage that a wrong migration might do."""
    views = module._views()
    return lambda: [damage, *views]


def test_changed_bills_are_refused_except_for_intended_changes(
    old: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.add_apps([App("a", ago(90))])
    set_first_seen(old, {"a": ago(10)})
    old.add_days(AppDay("a", ago(n), [float(n)] * 288) for n in range(60, 90))
    views = module._views()
    wrong = [view.replace("fourth_peak_kbps", "wrong_kbps") for view in views]
    assert wrong != views
    monkeypatch.setattr(module, "_views", lambda: wrong)
    with pytest.raises(WarehouseError, match="fourth_peak_kbps was"):
        migrate(old.url())
    monkeypatch.undo()
    migrate(old.url())


def test_a_zone_corrected_without_a_replay_is_reported_and_does_not_stop_the_upgrade(
    old: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    old.add_apps([App("a", ago(9))])
    old.add_days([AppDay("a", ago(5), FULL)])
    old.run("update core.vendor_account set timezone = 'Asia/Shanghai'")
    with caplog.at_level("WARNING"):
        migrate(old.url())
    assert "every_day_starts_at_its_accounts_midnight does not hold" in caplog.text
