"""mart.collection_run: one row per run, even if the run is recorded again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg2 import errors
from sqlalchemy import Engine

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.runs import CollectionRun, record
from tests.warehouse.database import Warehouse

STARTED_AT = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
RUN = CollectionRun(
    "agora_bandwidth_daily",
    "scheduled__2026-11-01",
    STARTED_AT,
    app_days=9,
    app_days_received=8,
    points_received=2_000,
    app_days_changed=7,
    requests=12,
    retries=3,
    limited=2,
    failed_apps=1,
    states={"collected": 6, "partial": 1, "failed": 2},
    problems="1 app failed: Lobby (HTTP 500).",
)
COUNTS = {
    "app_days": 9,
    "app_days_received": 8,
    "points_received": 2_000,
    "app_days_changed": 7,
    "requests": 12,
    "retries": 3,
    "limited": 2,
    "failed_apps": 1,
    "collected": 6,
    "partial": 1,
    "rejected": 0,
    "failed": 2,
    "lost": 0,
    "pending": 0,
}


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def test_a_run_is_one_row_with_all_its_counts(warehouse: Warehouse, engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, RUN)
    (row,) = warehouse.rows("select * from mart.collection_run", role="analyst")
    ended_at = row.pop("ended_at")
    assert row == {
        "dag_id": RUN.dag_id,
        "run_id": RUN.run_id,
        "started_at": STARTED_AT,
        **COUNTS,
        "problems": "1 app failed: Lobby (HTTP 500).",
    }
    assert datetime.now(UTC) - timedelta(minutes=5) < ended_at <= datetime.now(UTC)


def test_recording_a_run_again_replaces_its_row(warehouse: Warehouse, engine: Engine) -> None:
    again = CollectionRun(
        RUN.dag_id,
        RUN.run_id,
        STARTED_AT + timedelta(days=1),
        app_days=17,
        app_days_received=1,
        points_received=2,
        app_days_changed=3,
        requests=4,
        retries=5,
        limited=6,
        failed_apps=7,
        states={"lost": 8, "pending": 9},
    )
    other = RUN._replace(run_id="manual__1")
    for run in (RUN, other, again):
        with engine.begin() as connection:
            record(connection, run)
    first, second = warehouse.rows("select * from mart.collection_run order by run_id", role="analyst")
    assert first["run_id"] == "manual__1"
    assert COUNTS.items() <= first.items()
    assert second.pop("ended_at") > first["ended_at"]
    assert second == {
        "dag_id": RUN.dag_id,
        "run_id": RUN.run_id,
        "started_at": STARTED_AT + timedelta(days=1),
        **dict.fromkeys(COUNTS, 0),
        "app_days": 17,
        "app_days_received": 1,
        "points_received": 2,
        "app_days_changed": 3,
        "requests": 4,
        "retries": 5,
        "limited": 6,
        "failed_apps": 7,
        "lost": 8,
        "pending": 9,
        "problems": "",
    }


def test_every_app_day_of_a_run_has_a_state(warehouse: Warehouse, engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, RUN)
    with pytest.raises(errors.CheckViolation, match="every_app_day_has_a_state"):
        warehouse.run("update core.collection_run set app_days = 10")
