"""Stored figures are only a shortcut: after any change, the bills equal those computed from the points."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from agora.warehouse import stored_aggregates
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.rebuild import DELETE_AGGREGATES, RECORD_CHANGES
from tests.warehouse.database import UPDATE_FIGURES, App, AppDay, Warehouse, days_between
from tests.warehouse.figures_check import compare_bills
from tests.warehouse.histories import History

STEPS = 150
COMPARISONS = 60
LOADERS = 3
DAY = date(2025, 3, 3)
FULL = [1.0] * 288
STORED = """
select
    (select count(*) from core.month_p95) as months,
    (select count(*) from core.day_sum where billing_group = '') as days
"""


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def fill(warehouse: Warehouse, days: int = 3) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", DAY, DAY + timedelta(days)), App("b", DAY, DAY + timedelta(days))])
    warehouse.add_days(
        AppDay(app_id, day, [rate] * 288)
        for app_id, rate in (("a", 1.0), ("b", 2.0))
        for day in days_between(DAY, DAY + timedelta(days=days - 1))
    )


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.full)])
def test_after_every_random_event_each_bill_matches_its_points(
    warehouse: Warehouse, engine: Engine, seed: int
) -> None:
    history = History(warehouse, engine, seed)
    history.begin()
    happened: Counter[str] = Counter()
    met: Counter[str] = Counter()
    with warehouse.connect() as connection:
        for step in range(STEPS):
            event = history.run_random_event()
            happened[event] += 1
            comparison = compare_bills(connection)
            assert comparison.wrong == [], (step, event, len(comparison.wrong))
            met["stored and noted"] += min(comparison.stored) > 0 and comparison.noted > 0
            met["all stored"] += min(comparison.stored) > 0 and comparison.noted == 0
            met["bills"] += comparison.bills
    assert len(happened) >= len(history.events) - 2, happened
    assert min(met["stored and noted"], met["all stored"]) >= 5, met


def test_during_concurrent_loads_and_refreshes_each_bill_matches_its_points(
    warehouse: Warehouse, engine: Engine
) -> None:
    History(warehouse, engine, 0).begin()
    over = threading.Event()
    failures: list[BaseException] = []

    def until_over(work: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                work()
        except BaseException as error:  # the test's thread must see every error
            failures.append(error)

    own = [warehouse_engine(warehouse.url("loader")) for _ in range(LOADERS)]
    histories = [History(warehouse, loader, seed) for seed, loader in enumerate(own, start=10)]
    works = [work for history in histories for work in (history.load, history.replay)]
    works += [histories[0].refresh, histories[1].refresh_some, histories[2].delete_day]
    threads = [threading.Thread(target=until_over, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        with warehouse.connect() as connection:
            comparisons = [compare_bills(connection) for _ in range(COMPARISONS)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    history = History(warehouse, engine, 0)
    history.refresh()
    with warehouse.connect() as connection:
        last = compare_bills(connection)
    for loader in own:
        loader.dispose()

    assert failures == []
    assert [found.wrong for found in [*comparisons, last] if found.wrong] == []
    assert last.noted == 0
    assert sum(found.stored[0] > 0 for found in comparisons) > 0, "no comparison found stored figures"
    assert sum(found.noted > 0 for found in comparisons) > 0, "no comparison found noted changes"
    assert warehouse.rows("select deadlocks from pg_stat_database where datname = current_database()") == [
        {"deadlocks": 0}
    ]


CHANGES = {
    "note_added_points": "insert into core.app_day (app_key, usage_date, starts_at, state, points, kbps_int4,"
    " top_kbps, sum_kbps, attempts, http_status, reason, collected_at, body_sha256, conn_id, verified_at)"
    " select app_key, usage_date + 5, starts_at + interval '5 days', state, points,"
    " array_fill(9, array[288]), array_fill(9.0::double precision, array[15]), 9 * 288, attempts,"
    " http_status, reason, collected_at, body_sha256, conn_id, verified_at"
    " from core.app_day where usage_date = '2025-03-03'",
    "note_changed_points": "update core.app_day set kbps_int4 = array_fill(9, array[288]),"
    " top_kbps = array_fill(9.0::double precision, array[15]), sum_kbps = 9 * 288, kbps_float8 = null",
    "note_removed_points": "delete from core.app_day where usage_date = '2025-03-05'",
    "note_all_points_removed": "truncate core.app_day",
}


@pytest.mark.parametrize("trigger", CHANGES)
def test_a_change_that_is_not_noted_is_found(warehouse: Warehouse, engine: Engine, trigger: str) -> None:
    """A test of the comparison: it finds every change that no trigger noted."""
    fill(warehouse)
    warehouse.run("update core.app_day set kbps_int4[1] = 5 where usage_date = '2025-03-05'")
    warehouse.run(UPDATE_FIGURES)
    stored_aggregates.refresh(engine)
    with warehouse.connect() as connection:
        assert compare_bills(connection).wrong == []
        warehouse.run(f"alter table core.app_day disable trigger {trigger}")
        warehouse.run(CHANGES[trigger])
        unnoted = compare_bills(connection).wrong
    assert unnoted


@pytest.mark.parametrize("trigger", CHANGES)
def test_bills_are_right_before_and_after_the_refresh_of_a_noted_change(
    warehouse: Warehouse, engine: Engine, trigger: str
) -> None:
    fill(warehouse)
    stored_aggregates.refresh(engine)
    warehouse.run(CHANGES[trigger])
    with warehouse.connect() as connection:
        assert compare_bills(connection).wrong == []
        stored_aggregates.refresh(engine)
        comparison = compare_bills(connection)
    assert (comparison.wrong, comparison.noted) == ([], 0)


def test_a_refresh_stores_every_month_and_day_with_points(warehouse: Warehouse, engine: Engine) -> None:
    fill(warehouse)
    warehouse.add_days([AppDay("a", DAY + timedelta(days=3))])
    assert warehouse.rows(STORED) == [{"months": 0, "days": 0}]
    stored_aggregates.refresh(engine)
    assert warehouse.rows(STORED) == [{"months": 2, "days": 3}]
    assert warehouse.rows("select * from core.changed_app_day") == []


def test_the_bills_use_stored_figures(warehouse: Warehouse, engine: Engine) -> None:
    fill(warehouse)
    stored_aggregates.refresh(engine)
    warehouse.run("update core.month_p95 set p95_kbps = 77; update core.day_sum set kbps[1] = 77")
    assert {row["p95_kbps"] for row in warehouse.rows("select p95_kbps from mart.billing_monthly")} == {77}
    assert warehouse.rows("select peak_kbps from mart.billing_monthly_total") == [{"peak_kbps": 77}]


def test_the_bills_are_the_same_without_stored_figures(warehouse: Warehouse, engine: Engine) -> None:
    fill(warehouse)
    stored_aggregates.refresh(engine)
    with warehouse.connect() as connection:
        warehouse.run(DELETE_AGGREGATES)
        warehouse.run(RECORD_CHANGES)
        comparison = compare_bills(connection)
    assert (comparison.wrong, comparison.stored) == ([], (0, 0))


def test_a_change_to_the_ledger_alone_keeps_the_stored_figures(warehouse: Warehouse, engine: Engine) -> None:
    fill(warehouse)
    stored_aggregates.refresh(engine)
    warehouse.run("update core.app_day set attempts = 9, http_status = 206, collected_at = now()")
    assert warehouse.rows("select * from core.changed_app_day") == []
    warehouse.add_days([AppDay("a", DAY + timedelta(days=3))])
    assert warehouse.rows("select * from core.changed_app_day") == []


def test_a_load_that_was_rolled_back_leaves_no_trace(warehouse: Warehouse, engine: Engine) -> None:
    history = History(warehouse, engine, 3)
    history.begin()
    history.load()
    history.refresh()
    for _ in range(5):
        history.load_and_roll_back()
    assert warehouse.rows("select * from core.changed_app_day") == []


def test_stored_figures_of_deleted_days_are_removed(warehouse: Warehouse, engine: Engine) -> None:
    fill(warehouse)
    stored_aggregates.refresh(engine)
    warehouse.rows("select core.delete_app_days('2025-03-05')", role="loader")
    stored_aggregates.refresh(engine)
    assert warehouse.rows(STORED) == [{"months": 2, "days": 1}]


def test_a_refresh_processes_all_batches_of_changes(
    warehouse: Warehouse, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_aggregates, "CHANGES_AT_ONCE", 4)
    fill(warehouse, days=6)  # twelve changes, in three batches of four
    stored_aggregates.refresh(engine)
    assert warehouse.rows(STORED) == [{"months": 2, "days": 6}]
    assert warehouse.rows("select * from core.changed_app_day") == []


def test_a_running_day_counts_from_the_next_day(warehouse: Warehouse, engine: Engine) -> None:
    """Stored figures include days that are not over. The account's zone decides when a bill uses them."""
    west, east = "Etc/GMT+12", "Pacific/Kiritimati"  # never the same date
    warehouse.add_account(west)
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=n) for n in range(-2, 2)]
    warehouse.add_apps([App("a", days[0])])
    warehouse.add_days(AppDay("a", day, [float(n)] * 288) for n, day in enumerate(days))
    stored_aggregates.refresh(engine)
    found = []
    with warehouse.connect() as connection:
        for zone in (west, east):
            warehouse.run("update core.vendor_account set timezone = %s", (zone,))
            assert compare_bills(connection).wrong == []
            found += warehouse.rows("select sum(points) as points from mart.billing_monthly_total")
    assert found[0]["points"] < found[1]["points"]
