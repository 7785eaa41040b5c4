"""The reason why a DAG is late, as reported on the Health page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agora.web.schedules import why_late

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NIGHTLY, PUSH = "agora_bandwidth_daily", "agora_push_stream_state"


@pytest.mark.parametrize(
    ("dag_id", "next_run_at", "period", "is_paused", "phrase"),
    [
        (NIGHTLY, NOW + 36 * HOUR, DAY, False, ""),
        (NIGHTLY, NOW - HOUR, DAY, False, ""),
        (NIGHTLY, NOW - 2 * HOUR, DAY, False, "overdue"),
        (
            NIGHTLY,
            NOW + 45 * DAY,
            DAY,
            False,
            "45 days away, but the DAG runs every day",
        ),
        (
            "agora_bandwidth_retention",
            NOW + 45 * DAY,
            WEEK,
            False,
            "45 days away, but the DAG runs every 7 days",
        ),
        ("agora_bandwidth_retention", NOW + 10 * DAY, WEEK, False, ""),
        (NIGHTLY, None, DAY, False, "no next run"),
        (NIGHTLY, NOW + HOUR, DAY, True, "paused"),
        (PUSH, NOW - 9 * DAY, DAY, True, ""),
    ],
)
def test_the_reason_for_a_late_dag_is_reported(
    dag_id: str, next_run_at: datetime | None, period: timedelta, is_paused: bool, phrase: str
) -> None:
    reason = why_late(dag_id, next_run_at, period, NOW, is_paused=is_paused)
    assert (phrase in reason) if phrase else (reason == "")
