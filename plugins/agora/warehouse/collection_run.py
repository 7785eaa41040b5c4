"""What collecting runs did, one row a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

STATES = ("collected", "partial", "rejected", "failed", "lost", "pending")

RECORD = """
insert into core.collection_run (
    dag_id, run_id, started_at, app_days, app_days_changed, points, requests, retries, limited, failed_apps,
    collected, partial, rejected, failed, lost, pending
)
values (
    :dag_id, :run_id, :started_at, :app_days, :app_days_changed, :points, :requests, :retries, :limited,
    :failed_apps, :collected, :partial, :rejected, :failed, :lost, :pending
)
on conflict (dag_id, run_id) do update set
    started_at = excluded.started_at,
    ended_at = excluded.ended_at,
    app_days = excluded.app_days,
    app_days_changed = excluded.app_days_changed,
    points = excluded.points,
    requests = excluded.requests,
    retries = excluded.retries,
    limited = excluded.limited,
    failed_apps = excluded.failed_apps,
    collected = excluded.collected,
    partial = excluded.partial,
    rejected = excluded.rejected,
    failed = excluded.failed,
    lost = excluded.lost,
    pending = excluded.pending
"""


class CollectionRun(NamedTuple):
    """What one run did.

    Attributes:
        started_at: When the run began, with time zone.
        app_days_changed: How many app-days got points since then.
        points: How many points those have.
        requests: Requests of the collecting tasks, retries included.
        retries: How many of them asked once more.
        limited: How many of them were answered 429.
        failed_apps: Apps of which a day failed or was rejected.
        states: How many of the app-days asked for are in which state now.
    """

    dag_id: str
    run_id: str
    started_at: datetime
    app_days_changed: int
    points: int
    requests: int
    retries: int
    limited: int
    failed_apps: int
    states: Mapping[str, int]


def record(connection: Connection, run: CollectionRun) -> None:
    """Enter a run that ended, in the caller's transaction; the same run again replaces what it said."""
    counts = {state: run.states.get(state, 0) for state in STATES}
    values = run._asdict() | counts | {"app_days": sum(counts.values())}
    connection.execute(text(RECORD), values)
