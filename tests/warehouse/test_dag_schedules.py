"""core.dag_schedule and mart.dag_schedule: when each DAG runs next, and whether the run is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agora.warehouse.dag_schedules import DagSchedule, late_schedules, record
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse

NOW = datetime.now(UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NIGHTLY, WEEKLY, PUSH = "agora_bandwidth_daily", "agora_bandwidth_retention", "agora_push_stream_state"


def recorded(warehouse: Warehouse, *schedules: DagSchedule) -> list[str]:
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.begin() as connection:
        record(connection, schedules)
        late = late_schedules(connection)
    engine.dispose()
    return late


@pytest.mark.parametrize(
    ("dag_id", "next_run_at", "period", "is_paused", "is_late"),
    [
        (NIGHTLY, NOW + 20 * HOUR, DAY, False, False),
        (NIGHTLY, NOW + 35 * HOUR, DAY, False, False),
        (NIGHTLY, NOW + 37 * HOUR, DAY, False, True),
        (NIGHTLY, NOW + 45 * DAY, DAY, False, True),
        (NIGHTLY, NOW - HOUR / 2, DAY, False, False),
        (NIGHTLY, NOW - 2 * HOUR, DAY, False, True),
        (NIGHTLY, NOW + 20 * HOUR, DAY, True, True),
        (NIGHTLY, None, DAY, False, True),
        (WEEKLY, NOW + 10 * DAY, WEEK, False, False),
        (WEEKLY, NOW + 11 * DAY, WEEK, False, True),
        (PUSH, NOW - 9 * DAY, DAY, True, False),
        (PUSH, NOW - 9 * DAY, DAY, False, True),
    ],
)
def test_lateness_is_computed_on_each_read(
    warehouse: Warehouse,
    dag_id: str,
    next_run_at: datetime | None,
    period: timedelta,
    is_paused: bool,
    is_late: bool,
) -> None:
    late = recorded(warehouse, DagSchedule(dag_id, next_run_at, period, is_paused))
    (row,) = warehouse.rows("select * from mart.dag_schedule", role="analyst")
    assert datetime.now(UTC) - row.pop("recorded_at") < timedelta(minutes=5)
    assert row == {
        "dag_id": dag_id,
        "next_run_at": next_run_at,
        "period": period,
        "is_paused": is_paused,
        "is_late": is_late,
    }
    assert bool(late) is is_late


def test_a_later_record_replaces_the_earlier_one(warehouse: Warehouse) -> None:
    assert recorded(
        warehouse, DagSchedule(NIGHTLY, datetime(2027, 1, 13, 1, 30, tzinfo=UTC), DAY, is_paused=False)
    ) == ["agora_bandwidth_daily does not run before 2027-01-13 01:30 UTC."]
    assert recorded(warehouse, DagSchedule(NIGHTLY, NOW + DAY, DAY, is_paused=False)) == []
    assert recorded(warehouse) == [], "nothing to record"
    assert len(warehouse.rows("select * from mart.dag_schedule")) == 1
