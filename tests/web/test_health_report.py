"""What the view Health shows: what is missing, what runs did, and what each account's vendor allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from agora.warehouse.collection_run import CollectionRun, record
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.health import health
from agora.web.answer import json_of
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


def look(warehouse: Warehouse) -> dict[str, Any]:
    """Read as the role that sees nothing but mart."""
    with engine_of(warehouse, "analyst") as engine, engine.connect() as connection:
        return health(connection)


def ended(warehouse: Warehouse, run_id: str, ended_at: datetime, **counts: int) -> None:
    """Enter a run as the last step of a run does, then let it have ended at another time."""
    known = {"app_days_changed": 0, "points": 0, "requests": 0, "retries": 0, "limited": 0, "failed_apps": 0}
    run = CollectionRun(
        "agora_bandwidth_daily", run_id, STARTED_AT, **(known | counts), states={"collected": 4, "failed": 1}
    )
    with engine_of(warehouse, "loader") as engine, engine.begin() as connection:
        record(connection, run)
    warehouse.run("update core.collection_run set ended_at = %s where run_id = %s", (ended_at, run_id))


@pytest.fixture
def two_accounts(warehouse: Warehouse) -> Warehouse:
    """Give ten days of a window of ten: all of one app, and of another of which one day lacks each thing."""
    for conn_id in ("first", "second"):
        warehouse.add_account(window="10 days", conn_id=conn_id)
    warehouse.add_apps([App("whole", ago(12), None, "first"), App("torn", ago(12), None, "second")])
    warehouse.add_days(AppDay("whole", ago(days), FULL) for days in range(1, 13))
    warehouse.add_days(
        [
            AppDay("torn", ago(12), state="lost"),
            AppDay("torn", ago(11), state="failed"),  # out of the window, and nobody can ask for it any more
            AppDay("torn", ago(10), state="lost"),
            AppDay("torn", ago(9), FULL),
            AppDay("torn", ago(8), state="failed"),
            AppDay("torn", ago(7), state="rejected"),
            AppDay("torn", ago(6), [None, *FULL[1:]]),
            *(AppDay("torn", ago(days), FULL) for days in (5, 4, 3, 2)),
        ]
    )
    return warehouse


def test_what_is_missing_is_what_can_still_be_had(two_accounts: Warehouse) -> None:
    found = look(two_accounts)
    assert found["window"] == {
        "app_days": 20,
        "apps": 2,
        "open_app_days": 4,
        "open_apps": 1,
        "days_left": 2,
        "from_date": ago(10),
        "to_date": ago(1),
        "states": {"collected": 15, "failed": 1, "lost": 1, "partial": 1, "pending": 1, "rejected": 1},
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


def test_each_account_says_how_fresh_it_is(two_accounts: Warehouse) -> None:
    two_accounts.run(
        "update core.vendor_account set learned_on = %s, oldest_served = %s, newest_refused = %s,"
        " refusal = 'too old' where conn_id = 'second'",
        (ago(0), ago(10), ago(11)),
    )
    first, second = look(two_accounts)["accounts"]
    assert first == {
        "conn_id": "first",
        "timezone": "UTC",
        "window_length": "10 days",
        "learned_on": None,
        "oldest_served": None,
        "newest_refused": None,
        "refusal": None,
        "requests_per_second": None,
        "paced_at": None,
        "apps": 1,
        "newest_collected": ago(1),
    }
    assert (second["oldest_served"], second["newest_refused"], second["refusal"]) == (
        ago(10),
        ago(11),
        "too old",
    )
    assert (second["apps"], second["newest_collected"]) == (1, ago(2))


def test_runs_come_newest_first_and_no_more_than_thirty(warehouse: Warehouse) -> None:
    for number in sorted(range(32), key=lambda number: number % 7):
        ended(warehouse, f"run {number:02}", NOW - timedelta(hours=number), requests=number, failed_apps=1)
    runs = look(warehouse)["runs"]
    assert [run["run_id"] for run in runs] == [f"run {number:02}" for number in range(30)]
    assert runs[7] == {
        "dag_id": "agora_bandwidth_daily",
        "run_id": "run 07",
        "started_at": STARTED_AT,
        "ended_at": NOW - timedelta(hours=7),
        "app_days": 5,
        "app_days_changed": 0,
        "points": 0,
        "requests": 7,
        "retries": 0,
        "limited": 0,
        "failed_apps": 1,
    }


def test_requests_are_summed_by_the_day_in_utc(warehouse: Warehouse) -> None:
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    minute = timedelta(minutes=1)
    ended(warehouse, "too old", midnight - timedelta(days=30) - minute, requests=1)
    ended(warehouse, "oldest", midnight - timedelta(days=30), requests=2)
    ended(warehouse, "late", midnight - minute, requests=40, retries=4, limited=3)
    ended(warehouse, "early", midnight - timedelta(days=1), requests=5, retries=1, limited=1)
    ended(warehouse, "today", midnight, requests=700)
    assert look(warehouse)["requests_by_day"] == [
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
    found = look(two_accounts)
    assert found["restatements_in_all"] == 62  # the 62nd is 30.5 days old, the next 31
    assert [day["points_changed"] for day in found["restatements"]] == list(range(50))
    newest = found["restatements"][0]
    assert (newest["app_id"], newest["app_name"], newest["usage_date"]) == ("torn", "Name of torn", ago(5))
    assert newest["points_added"] == 2


def test_before_the_first_run_there_is_nothing(warehouse: Warehouse) -> None:
    found = look(warehouse)
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
        "restatements": [],
    }


def test_the_answer_is_json_without_a_number_made_text(two_accounts: Warehouse) -> None:
    ended(two_accounts, "run", NOW, requests=7)
    answer = orjson.loads(json_of(look(two_accounts)).body)
    assert answer["requests_by_day"][0]["requests"] == 7
    assert answer["window"]["from_date"] == ago(10).isoformat()
