"""The strip's report: completeness, the last 24 hours' changes, the next expiry, and the polled version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.overview import overview, version
from tests.warehouse.database import App, AppDay, Warehouse

TODAY = datetime.now(UTC).date()
FULL = [1.0] * 288


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[Connection]:
    """Open a connection with the page's role."""
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def read_overview(warehouse: Warehouse) -> dict[str, Any]:
    with reading(warehouse) as connection:
        return overview(connection)


@pytest.fixture
def ten_days(warehouse: Warehouse) -> Warehouse:
    """Add 20 apps with a ten-day window, all collected long ago."""
    warehouse.add_account(window="10 days")
    warehouse.add_apps(App(f"app-{number:02}", ago(10)) for number in range(20))
    warehouse.add_days(
        AppDay(f"app-{number:02}", ago(days), FULL) for number in range(20) for days in range(1, 11)
    )
    warehouse.run("update core.app_day set collected_at = now() - interval '3 days'")
    return warehouse


def add_run(warehouse: Warehouse, hours_ago: int, app_days: int = 2) -> None:
    """Record a run that ended some hours ago."""
    warehouse.run(
        "insert into core.collection_run (dag_id, run_id, started_at, ended_at, app_days, app_days_changed,"
        " points_received, requests, retries, limited, failed_apps, collected, partial, rejected, failed,"
        " lost, pending, problems)"
        " values ('agora_bandwidth_daily', 'run', now(), now() - make_interval(hours => %s),"
        " %s, 0, 0, 0, 0, 0, 0, 0, 0, 0, %s, 0, 0, '')",
        (hours_ago, app_days, app_days),
    )


def restate(warehouse: Warehouse, app_id: str, hours_ago: int, changed: int, added: int = 0) -> None:
    warehouse.run(
        "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
        " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256)"
        " select app_key, %s, now() - make_interval(hours => %s), %s, %s, now(), now(), '\\x01', '\\x02'"
        " from core.app where app_id = %s",
        (ago(5), hours_ago, changed, added, app_id),
    )


def test_a_complete_window_is_100_percent(ten_days: Warehouse) -> None:
    found = read_overview(ten_days)
    assert found == {
        "app_days": 200,
        "missing": 0,
        "complete_percent": 100,
        "changed": {"collected": 0, "restated": 0, "lost": 0, "failed": 0},
        "expiring": None,
    }


def test_one_missing_app_day_of_many_is_never_100_percent(ten_days: Warehouse) -> None:
    ten_days.add_apps(App(f"more-{number}", ago(10)) for number in range(240))
    ten_days.add_days(
        AppDay(f"more-{number}", ago(days), FULL) for number in range(240) for days in range(1, 11)
    )
    ten_days.run("delete from core.app_day where usage_date = %s and app_key = 1", (ago(4),))
    found = read_overview(ten_days)
    assert (found["app_days"], found["missing"], found["complete_percent"]) == (2600, 1, 99.9)
    assert found["expiring"] == {
        "days_left": 6,
        "app_days": 1,
        "apps": 1,
        "first_date": ago(4),
        "last_date": ago(4),
    }


def test_a_day_past_the_window_counts_as_missing_while_it_is_requested(warehouse: Warehouse) -> None:
    warehouse.add_account(window="10 days")
    warehouse.add_apps([App("app", ago(12))])
    warehouse.add_days(AppDay("app", ago(days), FULL) for days in range(1, 12))
    found = read_overview(warehouse)
    assert (found["app_days"], found["missing"], found["complete_percent"]) == (11, 1, 90.9)
    assert found["expiring"]["days_left"] == -1


def test_changes_of_the_last_24_hours_are_counted_once(ten_days: Warehouse) -> None:
    day = "where usage_date = %s and app_key in (select app_key from core.app where app_id = any(%s))"
    ten_days.run(
        f"update core.app_day set collected_at = now() - interval '2 hours' {day}",
        (ago(5), ["app-01", "app-02", "app-03"]),
    )
    ten_days.run(
        f"update core.app_day set collected_at = now() - interval '25 hours' {day}", (ago(5), ["app-04"])
    )
    restate(ten_days, "app-01", 2, changed=288)
    restate(ten_days, "app-01", 1, changed=3)
    restate(ten_days, "app-02", 2, changed=0, added=6)  # completed, not restated
    restate(ten_days, "app-05", 25, changed=288)
    assert read_overview(ten_days)["changed"] == {"collected": 2, "restated": 1, "lost": 0, "failed": 0}


def test_days_that_became_lost_today_are_counted(warehouse: Warehouse) -> None:
    warehouse.add_account(window="10 days")
    warehouse.add_apps([App("app", ago(14))])
    warehouse.add_days(AppDay("app", ago(days), FULL) for days in range(1, 13))
    assert [row["state"] for row in warehouse.rows("select state from mart.coverage where points = 0")] == [
        "lost",
        "lost",
    ]
    assert read_overview(warehouse)["changed"]["lost"] == 1


@pytest.mark.parametrize(("hours_ago", "app_days", "failed"), [(2, 2, 2), (25, 2, 0), (2, 0, 0)])
def test_failed_days_are_those_that_runs_of_24_hours_requested(
    ten_days: Warehouse, hours_ago: int, app_days: int, failed: int
) -> None:
    ten_days.run("delete from core.app_day where usage_date = %s", (ago(3),))
    ten_days.add_days([AppDay("app-01", ago(3), state="failed"), AppDay("app-02", ago(3), state="rejected")])
    add_run(ten_days, hours_ago, app_days)
    assert read_overview(ten_days)["changed"]["failed"] == failed


def test_an_empty_warehouse_has_no_completeness(warehouse: Warehouse) -> None:
    found = read_overview(warehouse)
    assert (found["app_days"], found["complete_percent"], found["expiring"]) == (0, None, None)


def read_version(warehouse: Warehouse) -> str:
    with reading(warehouse) as connection:
        return version(connection)


@pytest.mark.parametrize(
    "change",
    [
        "delete from core.app_day where app_key = 1 and usage_date < current_date - 9",
        "update core.app_day set attempts = attempts + 1 where app_key = 1",
        "update core.app set name = 'other' where app_key = 1",
        "update core.restatement set reviewed_at = now(), reviewed_by = 'ada'",
    ],
)
def test_the_version_changes_with_every_write_to_the_ledger(ten_days: Warehouse, change: str) -> None:
    restate(ten_days, "app-01", 1, changed=1)
    before = read_version(ten_days)
    assert read_version(ten_days) == before
    ten_days.run(change)
    assert read_version(ten_days) != before
