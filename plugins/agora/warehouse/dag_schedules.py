"""Records the next run of each DAG, and finds late DAGs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

RECORD = """
insert into core.dag_schedule (dag_id, next_run_at, period, is_paused, recorded_at)
values (:dag_id, :next_run_at, :period, :is_paused, mart.clock())
on conflict (dag_id) do update set
    next_run_at = excluded.next_run_at,
    period = excluded.period,
    is_paused = excluded.is_paused,
    recorded_at = excluded.recorded_at
"""

LATE = """
select
    dag_id,
    case
        when is_paused then 'is paused'
        when next_run_at is null then 'has no next run'
        when next_run_at < mart.clock() then 'was due at ' || to_char(next_run_at at time zone 'UTC', :format)
        else 'does not run before ' || to_char(next_run_at at time zone 'UTC', :format)
    end
from mart.dag_schedule
where is_late
order by dag_id
"""


class DagSchedule(NamedTuple):
    """The schedule of one DAG.

    Attributes:
        next_run_at: Time at which Airflow creates the next run; None if there is none.
        period: Time between two scheduled runs.
    """

    dag_id: str
    next_run_at: datetime | None
    period: timedelta
    is_paused: bool


def record(connection: Connection, schedules: Sequence[DagSchedule]) -> None:
    """Record schedules, replacing each DAG's earlier record."""
    if schedules:
        connection.execute(text(RECORD), [schedule._asdict() for schedule in schedules])


def late_schedules(connection: Connection) -> list[str]:
    """Return one sentence per late DAG."""
    found = connection.execute(text(LATE), {"format": 'YYYY-MM-DD HH24:MI "UTC"'})
    return [f"{dag_id} {problem}." for dag_id, problem in found]
