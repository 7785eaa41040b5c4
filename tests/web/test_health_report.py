"""The health report on a real warehouse: missing days, runs, vendor accounts and suspicious responses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.health import health
from agora.warehouse.runs import CollectionRun, record
from agora.warehouse.suspicious_responses import review
from agora.web.responses import json_response
from tests.warehouse.database import App, AppDay, Warehouse

NOW = datetime.now(UTC)
TODAY = NOW.date()
FULL = [1.0] * 288
STARTED_AT = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@contextmanager
def engine_of(warehouse: Warehouse, role: str) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url(role))
    try:
        yield engine
    finally:
        engine.dispose()


def read_health(warehouse: Warehouse) -> dict[str, Any]:
    """Read the report as the role analyst, which reads only mart."""
    with engine_of(warehouse, "analyst") as engine, engine.connect() as connection:
        return health(connection)


def record_run(warehouse: Warehouse, run_id: str, ended_at: datetime, **counts: int) -> None:
    """Record a run and set the time at which the run ended."""
    names = ("app_days", "app_days_received", "points_received", "app_days_changed")
    costs = ("requests", "retries", "limited", "failed_apps")
    run = CollectionRun(
        "agora_bandwidth_daily",
        run_id,
        STARTED_AT,
        **(dict.fromkeys((*names, *costs), 0) | {"app_days": 5} | counts),
        states={"collected": 4, "failed": 1},
        problems="1 app failed.",
    )
    with engine_of(warehouse, "loader") as engine, engine.begin() as connection:
        record(connection, run)
    warehouse.run("update core.collection_run set ended_at = %s where run_id = %s", (ended_at, run_id))


@pytest.fixture
def two_accounts(warehouse: Warehouse) -> Warehouse:
    """Add ten days of a ten-day window: one complete app, and one app with a day in each other state."""
    for conn_id in ("first", "second"):
        warehouse.add_account(window="10 days", conn_id=conn_id)
    warehouse.add_apps([App("whole", ago(14), None, "first"), App("torn", ago(14), None, "second")])
    warehouse.add_days(AppDay("whole", ago(days), FULL) for days in range(1, 15))
    warehouse.add_days(
        [
            AppDay("torn", ago(14), state="failed"),  # outside the window and its margin, like ago(13)
            *(AppDay("torn", ago(days), FULL) for days in (12, 11, 10, 9)),
            AppDay("torn", ago(8), state="failed"),
            AppDay("torn", ago(7), state="rejected"),
            AppDay("torn", ago(6), [None, *FULL[1:]]),
            *(AppDay("torn", ago(days), FULL) for days in (5, 4, 3, 2)),
        ]
    )
    return warehouse


def test_missing_days_are_the_days_still_available(two_accounts: Warehouse) -> None:
    found = read_health(two_accounts)
    assert found["window"] == {
        "app_days": 20,
        "apps": 2,
        "open_app_days": 4,
        "open_apps": 1,
        "days_left": 2,
        "from_date": ago(10),
        "to_date": ago(1),
        "states": {"collected": 16, "failed": 1, "partial": 1, "pending": 1, "rejected": 1},
    }
    assert found["oldest"] == {
        "app_id": "torn",
        "app_name": "Name of torn",
        "conn_id": "second",
        "usage_date": ago(8),
        "state": "failed",
        "reason": "given as failed",
        "days_left": 2,
    }
    assert found["lost_app_days"] == 2


def test_each_account_reports_its_newest_days(two_accounts: Warehouse) -> None:
    two_accounts.run(
        "update core.app_day set http_status = 400, reason = 'HTTP 400: too old'"
        " where usage_date in (%s, %s) and state = 'failed'",
        (ago(14), ago(8)),
    )
    first, second = read_health(two_accounts)["accounts"]
    assert first == {
        "conn_id": "first",
        "timezone": "UTC",
        "window_length": "10 days",
        "newest_refused": None,
        "refusal": None,
        "requests_per_second": None,
        "paced_at": None,
        "apps": 1,
        "newest_collected": ago(1),
    }
    assert (second["newest_refused"], second["refusal"]) == (ago(8), "HTTP 400: too old")
    assert (second["apps"], second["newest_collected"]) == (1, ago(2))


def test_the_thirty_newest_runs_are_shown_newest_first(warehouse: Warehouse) -> None:
    for number in sorted(range(32), key=lambda number: number % 7):
        record_run(
            warehouse,
            f"run {number:02}",
            NOW - timedelta(hours=number),
            app_days=5,
            app_days_received=4,
            points_received=1_152,
            app_days_changed=3,
            requests=number,
            failed_apps=1,
        )
    runs = read_health(warehouse)["runs"]
    assert [run["run_id"] for run in runs] == [f"run {number:02}" for number in range(30)]
    assert runs[7] == {
        "dag_id": "agora_bandwidth_daily",
        "run_id": "run 07",
        "started_at": STARTED_AT,
        "ended_at": NOW - timedelta(hours=7),
        "app_days": 5,
        "app_days_received": 4,
        "points_received": 1_152,
        "app_days_changed": 3,
        "collected": 4,
        "partial": 0,
        "rejected": 0,
        "failed": 1,
        "lost": 0,
        "pending": 0,
        "requests": 7,
        "retries": 0,
        "limited": 0,
        "failed_apps": 1,
        "problems": "1 app failed.",
    }


def test_requests_are_summed_per_day_in_utc(warehouse: Warehouse) -> None:
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    minute = timedelta(minutes=1)
    record_run(warehouse, "too old", midnight - timedelta(days=30) - minute, requests=1)
    record_run(warehouse, "oldest", midnight - timedelta(days=30), requests=2)
    record_run(warehouse, "late", midnight - minute, requests=40, retries=4, limited=3)
    record_run(warehouse, "early", midnight - timedelta(days=1), requests=5, retries=1, limited=1)
    record_run(warehouse, "today", midnight, requests=700)
    assert read_health(warehouse)["requests_by_day"] == [
        {"ended_on": ago(30), "runs": 1, "requests": 2, "retries": 0, "limited": 0},
        {"ended_on": ago(1), "runs": 2, "requests": 45, "retries": 5, "limited": 4},
        {"ended_on": ago(0), "runs": 1, "requests": 700, "retries": 0, "limited": 0},
    ]


def test_restatements_of_the_last_month_are_shown_and_all_are_counted(two_accounts: Warehouse) -> None:
    two_accounts.run(
        "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
        " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256)"
        " select app_key, %s, now() - number * interval '12 hours', number, 2, now(), now(), '\\x01', '\\x02'"
        " from core.app cross join generate_series(0, 70) as number where app_id = 'torn'",
        (ago(5),),
    )
    found = read_health(two_accounts)
    assert found["restatements_in_all"] == 62  # the 62nd is 30.5 days old, the next 31
    assert [day["points_changed"] for day in found["restatements"]] == list(range(50))
    newest = found["restatements"][0]
    assert (newest["app_id"], newest["app_name"], newest["usage_date"]) == ("torn", "Name of torn", ago(5))
    assert newest["points_added"] == 2


def restated(
    warehouse: Warehouse, days_ago: float, old_kbps: float, new_kbps: float, moved_by: str = "0"
) -> None:
    """Add a restatement of a day of the app `torn`, with the mean before and after."""
    warehouse.run(
        "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
        " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256,"
        " old_starts_at, new_starts_at, old_sum_kbps, new_sum_kbps)"
        " select app_key, %s, now() - make_interval(secs => %s), 288, 0, now(), now(), '\\x01', '\\x02',"
        " timestamptz '2026-11-01Z', timestamptz '2026-11-01Z' + %s::interval, 288 * %s, 288 * %s"
        " from core.app where app_id = 'torn'",
        (ago(5), days_ago * 86_400, moved_by, old_kbps, new_kbps),
    )


def test_drops_of_any_age_come_first_until_they_are_reviewed(two_accounts: Warehouse) -> None:
    restated(two_accounts, 400, 9, 4)
    restated(two_accounts, 40, 5, 3)  # older than a month, and not a drop
    restated(two_accounts, 2, 8, 0)
    restated(two_accounts, 1, 3, 6, "-8 hours")
    restated(two_accounts, 0.5, 4, 2)  # exactly half is not a drop
    found = read_health(two_accounts)
    assert [
        (day["old_mean_kbps"], day["new_mean_kbps"], day["is_drop"], day["moved_by_seconds"])
        for day in found["restatements"]
    ] == [(8, 0, True, None), (9, 4, True, None), (4, 2, False, None), (3, 6, False, -8 * 3_600)]
    assert (found["restatements_in_all"], found["drops_to_review"]) == (3, 2)
    with engine_of(two_accounts, "loader") as engine, engine.begin() as connection:
        review(connection, found["newest_drop_at"], "ada")
    after = read_health(two_accounts)
    assert [
        (day["new_mean_kbps"], day["is_drop"], day["reviewed_by"], day["reviewed_at"] is None)
        for day in after["restatements"]
    ] == [(2, False, None, True), (6, False, None, True), (0, True, "ada", False)]
    assert (after["restatements_in_all"], after["drops_to_review"], after["newest_drop_at"]) == (3, 0, None)


def test_a_drop_after_the_page_was_read_stays_to_be_reviewed(two_accounts: Warehouse) -> None:
    restated(two_accounts, 2, 8, 0)
    seen = read_health(two_accounts)
    restated(two_accounts, 1, 9, 1)
    with engine_of(two_accounts, "loader") as engine, engine.begin() as connection:
        review(connection, seen["newest_drop_at"], "ada")
    assert read_health(two_accounts)["drops_to_review"] == 1


def test_apps_with_the_same_response_are_named_per_day(warehouse: Warehouse) -> None:
    warehouse.add_account(window="10 days")
    warehouse.add_apps(App(app_id, ago(11)) for app_id in ("a", "b", "c", "d", "e"))
    warehouse.add_days(AppDay(app_id, ago(days), FULL) for app_id in "abcde" for days in (11, 4, 3))
    warehouse.run(
        "update core.app_day set body_sha256 = case when app_id in ('a', 'd') then '\\x01' when app_id = 'c'"
        " then '\\x02' else body_sha256 end from core.app"
        " where app.app_key = app_day.app_key and usage_date = %s",
        (ago(4),),
    )
    found = read_health(warehouse)
    assert found["same_responses"] == [
        {"usage_date": ago(3), "app_names": [f"Name of {app_id}" for app_id in "abcde"]},
        {"usage_date": ago(4), "app_names": ["Name of a", "Name of d"]},
        {"usage_date": ago(4), "app_names": ["Name of b", "Name of e"]},
    ]
    assert found["same_responses_in_all"] == 3


def test_days_behind_the_window_are_open_while_they_are_requested(warehouse: Warehouse) -> None:
    warehouse.add_account(window="10 days")
    warehouse.add_apps([App("late", ago(13))])
    warehouse.add_days(AppDay("late", ago(days), FULL) for days in range(1, 12))
    found = read_health(warehouse)
    assert found["window"] | {"from_date": None, "to_date": None} == {
        "app_days": 10,
        "apps": 1,
        "open_app_days": 1,
        "open_apps": 1,
        "days_left": -2,
        "from_date": None,
        "to_date": None,
        "states": {"collected": 10},
    }
    assert (found["window"]["from_date"], found["oldest"]["usage_date"]) == (ago(10), ago(12))
    assert found["lost_app_days"] == 1


def test_the_report_of_an_empty_warehouse_is_empty(warehouse: Warehouse) -> None:
    found = read_health(warehouse)
    assert found.pop("now") is not None
    assert found == {
        "window": {
            "app_days": 0,
            "apps": 0,
            "open_app_days": 0,
            "open_apps": 0,
            "days_left": None,
            "from_date": None,
            "to_date": None,
            "states": {},
        },
        "oldest": None,
        "lost_app_days": 0,
        "runs": [],
        "requests_by_day": [],
        "accounts": [],
        "restatements_in_all": 0,
        "drops_to_review": 0,
        "newest_drop_at": None,
        "restatements": [],
        "same_responses_in_all": 0,
        "same_responses": [],
    }


def test_json_keeps_numbers_as_numbers(two_accounts: Warehouse) -> None:
    record_run(two_accounts, "run", NOW, requests=7)
    response = orjson.loads(json_response(read_health(two_accounts)).body)
    assert response["requests_by_day"][0]["requests"] == 7
    assert response["window"]["from_date"] == ago(10).isoformat()
