"""Why a DAG runs too late, as the page Health states it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agora.web.schedules import why_late

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NIGHTLY, PUSH = "agora_bandwidth_daily", "agora_push_stream_state"


@pytest.mark.parametrize(
    ("dag_id", "next_run_at", "period", "is_paused", "why"),
    [
        (NIGHTLY, NOW + 36 * HOUR, DAY, False, ""),
        (NIGHTLY, NOW - HOUR, DAY, False, ""),
        (NIGHTLY, NOW - 2 * HOUR, DAY, False, "Its run is overdue."),
        (
            NIGHTLY,
            NOW + 45 * DAY,
            DAY,
            False,
            "Its next run is 45 days away, but it runs every day. Check the scheduler's clock.",
        ),
        (
            "agora_bandwidth_retention",
            NOW + 45 * DAY,
            WEEK,
            False,
            "Its next run is 45 days away, but it runs every 7 days. Check the scheduler's clock.",
        ),
        ("agora_bandwidth_retention", NOW + 10 * DAY, WEEK, False, ""),
        (NIGHTLY, None, DAY, False, "Airflow has no next run for it."),
        (NIGHTLY, NOW + HOUR, DAY, True, "It is paused. Unpause it."),
        (PUSH, NOW - 9 * DAY, DAY, True, ""),
    ],
)
def test_why_a_dag_runs_too_late(
    dag_id: str, next_run_at: datetime | None, period: timedelta, is_paused: bool, why: str
) -> None:
    assert why_late(dag_id, next_run_at, period, NOW, is_paused=is_paused) == why
