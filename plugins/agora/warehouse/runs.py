"""Records collection runs, one row per run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.domain import State

RECORD = """
insert into core.collection_run (
    dag_id, run_id, started_at, app_days, app_days_received, points_received, app_days_changed, requests,
    retries, limited, failed_apps, collected, partial, rejected, failed, lost, pending, problems
)
values (
    :dag_id, :run_id, :started_at, :app_days, :app_days_received, :points_received, :app_days_changed,
    :requests, :retries, :limited, :failed_apps, :collected, :partial, :rejected, :failed, :lost, :pending,
    :problems
)
on conflict (dag_id, run_id) do update set
    started_at = excluded.started_at,
    ended_at = excluded.ended_at,
    app_days = excluded.app_days,
    app_days_received = excluded.app_days_received,
    points_received = excluded.points_received,
    app_days_changed = excluded.app_days_changed,
    requests = excluded.requests,
    retries = excluded.retries,
    limited = excluded.limited,
    failed_apps = excluded.failed_apps,
    collected = excluded.collected,
    partial = excluded.partial,
    rejected = excluded.rejected,
    failed = excluded.failed,
    lost = excluded.lost,
    pending = excluded.pending,
    problems = excluded.problems
"""


class CollectionRun(NamedTuple):
    """The results of one run.

    Attributes:
        started_at: When the run began, with a time zone.
        app_days: App-days that the run planned to request.
        app_days_received: App-days for which a sound response was received.
        points_received: Points in those responses.
        app_days_changed: App-days whose stored points changed.
        requests: Requests made by the collecting tasks, including retries.
        retries: Repeated requests.
        limited: Requests that the vendor throttled with 429.
        failed_apps: Apps with a failed or rejected day.
        states: Number of app-days by state.
        problems: Description of the failures.
    """

    dag_id: str
    run_id: str
    started_at: datetime
    app_days: int
    app_days_received: int
    points_received: int
    app_days_changed: int
    requests: int
    retries: int
    limited: int
    failed_apps: int
    states: Mapping[str, int]
    problems: str = ""


def record(connection: Connection, run: CollectionRun) -> None:
    """Record a finished run in the caller's transaction. An earlier record of the run is replaced."""
    counts = {state.value: run.states.get(state, 0) for state in State}
    values = run._asdict() | counts
    connection.execute(text(RECORD), values)
