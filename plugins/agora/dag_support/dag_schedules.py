"""DAG schedules, and a function that records each DAG's next run in the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pendulum
from airflow.sdk.exceptions import AirflowRuntimeError

from agora.timetable import CronTimetable, IgnoresFutureRuns, UsageDateTimetable

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

SCHEDULES: dict[str, IgnoresFutureRuns] = {
    "agora_bandwidth_daily": UsageDateTimetable(minutes_after_midnight=90),
    "agora_push_stream_state": CronTimetable("0 3 * * *"),
    "agora_bandwidth_watch": CronTimetable("0 6 * * *"),
    "agora_bandwidth_retention": CronTimetable("0 5 * * 0"),
}

log = logging.getLogger(__name__)


def record_schedules(context: Context, engine: Engine, dag_ids: Iterable[str] | None = None) -> None:
    """Record each DAG's next run in core.dag_schedule, and whether the DAG is paused.

    Args:
        context: The task's context.
        engine: Warehouse engine.
        dag_ids: DAGs to record. Default: the task's own DAG, if it is scheduled.
    """
    from agora.warehouse.dag_schedules import DagSchedule, record

    schedules = []
    for dag_id in (context["dag"].dag_id,) if dag_ids is None else dag_ids:
        if dag_id not in SCHEDULES:
            continue
        try:
            dag = context["ti"].get_dag(dag_id)
        except AirflowRuntimeError as error:
            # The DAG's file was deleted. Its row stays, and its next run becomes overdue.
            log.warning("Airflow did not report the next run of %s: %s", dag_id, error)
            continue
        timetable, next_run = SCHEDULES[dag_id], dag.next_dagrun
        next_run_at = timetable.run_after(pendulum.instance(next_run)) if next_run else None
        schedules.append(DagSchedule(dag_id, next_run_at, timetable.period, dag.is_paused))
    with engine.begin() as connection:
        record(connection, schedules)
