"""Read from Airflow's database when each scheduled DAG runs next, and whether it is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select
from sqlalchemy.orm import Session

OVERDUE = timedelta(hours=1)
# Push-stream DAGs may be paused for accounts without push-streaming. A paused bandwidth DAG loses days.
NEVER_PAUSED = "agora_bandwidth_"
TIMETABLES = "agora.timetable."


def schedules() -> list[dict[str, Any]]:
    """Return the DAGs with an Agora timetable, next run first.

    Each entry has `dag_id`, `next_run_at`, `is_paused`, `is_late` and `why`, which contains the reason if the
    DAG is late and is empty otherwise.
    """
    with create_session() as session:
        models = [
            *session.scalars(
                select(DagModel)
                .where(DagModel.timetable_type.startswith(TIMETABLES), DagModel.is_stale.is_(False))
                .order_by(DagModel.next_dagrun_create_after.nulls_last(), DagModel.dag_id)
            )
        ]
        dag_ids = [model.dag_id for model in models]
        stored = SerializedDagModel.get_latest_serialized_dags(dag_ids=dag_ids, session=session)
        timetables: dict[str, Any] = {each.dag_id: each.dag.timetable for each in stored}
        return [
            _schedule(model, timetables[model.dag_id].period, session)
            for model in models
            if model.dag_id in timetables
        ]


def _schedule(model: DagModel, period: timedelta, session: Session) -> dict[str, Any]:
    why = why_late(
        model.dag_id, model.next_dagrun_create_after, period, datetime.now(UTC), is_paused=model.is_paused
    )
    if why and not model.is_paused:
        why += _blocking_run(model.dag_id, session)
    return {
        "dag_id": model.dag_id,
        "next_run_at": model.next_dagrun_create_after,
        "is_paused": model.is_paused,
        "is_late": bool(why),
        "why": why,
    }


def why_late(
    dag_id: str, next_run_at: datetime | None, period: timedelta, now: datetime, *, is_paused: bool
) -> str:
    """Return why a DAG is late, or an empty string if it is on time."""
    if is_paused:
        return "The DAG is paused. Unpause it." if dag_id.startswith(NEVER_PAUSED) else ""
    if next_run_at is None:
        return "Airflow has no next run scheduled."
    if next_run_at < now - OVERDUE:
        return "The next run is overdue."
    if next_run_at > now + 1.5 * period:
        days = round((next_run_at - now) / timedelta(days=1))
        usual = "every day" if period == timedelta(days=1) else f"every {period.days} days"
        return f"The next run is {days} days away, but the DAG runs {usual}. Check the scheduler's clock."
    return ""


def _blocking_run(dag_id: str, session: Session) -> str:
    """Name the active run that blocks the next run. Each DAG has one active run at a time."""
    run = session.scalar(
        select(DagRun)
        .where(DagRun.dag_id == dag_id, DagRun.state.in_((DagRunState.RUNNING, DagRunState.QUEUED)))
        .order_by(DagRun.run_after.desc())
        .limit(1)
    )
    if run is None:
        return ""
    if run.run_after > datetime.now(UTC) + OVERDUE:
        return f" Run {run.run_id} is {run.state} and dated in the future. Mark it as failed."
    return f" Run {run.run_id} is still {run.state}."
