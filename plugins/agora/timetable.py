"""Timetables for the scheduled DAGs. They ignore runs in the future, which only a wrong clock can create."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables._cron import CronMixin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.models.dagrun import DagRun
    from pendulum import DateTime

# The database's clock decides when a run is due. The scheduler's clock may differ from it by this much.
CLOCK_TOLERANCE = timedelta(hours=1)


class IgnoresFutureRuns(CronMixin, Timetable):
    """Base timetable that never schedules a run after a run in the future.

    Airflow schedules the next run after the newest run. A clock that was ahead for a minute can leave behind
    a run in the future, and the DAG would not run again until then. This timetable ignores such a run and
    returns the latest run that is due. If that run already exists, Airflow does not create another run and
    continues from the existing run.
    """

    delay = timedelta()

    @property
    def period(self) -> timedelta:
        """Time between two runs."""
        first = self.next_after(pendulum.now("UTC"))
        return timedelta(seconds=(self.next_after(first) - first).total_seconds())

    def next_after(self, time: DateTime) -> DateTime:
        """Return the time of the first scheduled run after a given time, regardless of existing runs."""
        return self._get_next(time - self.delay) + self.delay

    def run_after(self, logical_date: DateTime) -> DateTime:
        """Return when the run for a logical date is due."""
        return logical_date

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the run after the last run, or the latest due run if the last run is in the future."""
        last = last_automated_data_interval
        if last is not None and _is_in_future(last.end + self.delay):
            last = None
        return super().next_dagrun_info(  # type: ignore[safe-super]
            last_automated_data_interval=last, restriction=restriction
        )

    def run_info_from_dag_run(self, *, dag_run: DagRun) -> DagRunInfo:
        """Return the run from which Airflow computes the next run: the newest run that is not in the future.

        Airflow passes the newest run, even if it is in the future. Without this method, `next_dagrun_info`
        would return an existing run each time the DAG file is parsed, until the future run is due.
        """
        if _is_in_future(dag_run.run_after):
            dag_run = _newest_before_now(dag_run) or dag_run
        return super().run_info_from_dag_run(dag_run=dag_run)


def _is_in_future(time: datetime) -> bool:
    return time > pendulum.now("UTC") + CLOCK_TOLERANCE


def _newest_before_now(dag_run: DagRun) -> DagRun | None:
    """Return the DAG's newest automated run that is not in the future, read in the session of `dag_run`."""
    from airflow.models.dagrun import DagRun as Run
    from airflow.utils.types import DagRunType
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return None
    return session.scalar(
        select(Run)
        .where(
            Run.dag_id == dag_run.dag_id,
            Run.run_type.in_((DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB)),
            Run.run_after <= pendulum.now("UTC") + CLOCK_TOLERANCE,
        )
        .order_by(Run.logical_date.desc())
        .limit(1)
    )


class CronTimetable(IgnoresFutureRuns, CronTriggerTimetable):
    """Timetable for a cron expression in UTC, without data intervals, equivalent to a plain cron string.

    Args:
        expression: Cron expression with five fields, such as `0 6 * * *`.
    """

    def __init__(self, expression: str) -> None:
        super().__init__(expression, timezone="UTC")

    def serialize(self) -> dict[str, Any]:
        """Return the arguments that `deserialize` needs."""
        return {"expression": self._expression}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CronTimetable:
        """Rebuild the timetable from the output of `serialize`."""
        return cls(data["expression"])


class UsageDateTimetable(IgnoresFutureRuns, CronDataIntervalTimetable):
    """Timetable with data intervals from midnight to midnight UTC, each followed by its run after a delay.

    A cron string alone would have no interval, or an interval that starts at the hour of the run. Usage dates
    start at midnight, and Airflow's backfills select days by interval.

    Args:
        minutes_after_midnight: Minutes between the end of the interval and the run.
    """

    def __init__(self, minutes_after_midnight: int) -> None:
        super().__init__("0 0 * * *", "UTC")
        self._minutes_after_midnight = minutes_after_midnight
        self.delay = timedelta(minutes=minutes_after_midnight)
        self.description = f"Every night at {self.summary}, for the day before"

    @property
    def summary(self) -> str:
        """Time of day of the run, for the UI."""
        hours, minutes = divmod(self._minutes_after_midnight, 60)
        return f"{hours:02d}:{minutes:02d} UTC"

    def serialize(self) -> dict[str, Any]:
        """Return the arguments that `deserialize` needs."""
        return {"minutes_after_midnight": self._minutes_after_midnight}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> UsageDateTimetable:
        """Rebuild the timetable from the output of `serialize`."""
        return cls(data["minutes_after_midnight"])

    def run_after(self, logical_date: DateTime) -> DateTime:
        """Return when the run for a logical date is due: the end of its interval plus the delay."""
        return self._get_next(logical_date) + self.delay

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next midnight-to-midnight interval, to be run after the delay."""
        if not restriction.catchup:
            # Airflow would start with the day that ended last, whose run may not be due yet. Start with the
            # latest day whose run is due, so that a run starts immediately.
            latest_due = (pendulum.now("UTC") - self.delay).start_of("day") - timedelta(days=1)
            earliest = max(latest_due, restriction.earliest or latest_due)
            restriction = TimeRestriction(earliest, restriction.latest, catchup=True)
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        if info is None or info.data_interval is None:
            return info
        return DagRunInfo(run_after=info.data_interval.end + self.delay, data_interval=info.data_interval)
