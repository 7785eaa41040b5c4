"""Run times of the scheduled DAGs, whatever the time of the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

from agora.dag_support.dag_schedules import SCHEDULES
from agora.timetable import CLOCK_TOLERANCE, CronTimetable, IgnoresFutureRuns, UsageDateTimetable

pytestmark = pytest.mark.unit

DAY = timedelta(days=1)
# At any time of day, some of these hours have passed and the others are still to come.
HOURS_AFTER_MIDNIGHT = range(24)


def next_run(hours: int, last: datetime | None = None, starts: datetime | None = None) -> datetime:
    """Return the time of the next run, given the last run and the DAG's start."""
    delay = timedelta(hours=hours)
    end = pendulum.instance(last - delay) if last else None
    info = UsageDateTimetable(60 * hours).next_dagrun_info(
        last_automated_data_interval=DataInterval(end - DAY, end) if end else None,
        restriction=TimeRestriction(pendulum.instance(starts) if starts else None, None, catchup=False),
    )
    assert info is not None
    day = info.run_after - delay
    assert day.time() == datetime.min.time()
    assert info.data_interval == DataInterval(day - DAY, day)
    return info.run_after


@pytest.mark.parametrize("hours", HOURS_AFTER_MIDNIGHT)
def test_the_first_run_is_the_latest_one_due(hours: int) -> None:
    for starts in (None, datetime(2020, 1, 1, tzinfo=UTC)):
        assert timedelta() <= datetime.now(UTC) - next_run(hours, starts=starts) < DAY


@pytest.mark.parametrize("hours", HOURS_AFTER_MIDNIGHT)
def test_the_next_run_is_a_day_later_and_missed_nights_are_skipped(hours: int) -> None:
    first = next_run(hours)
    assert next_run(hours, last=first) == first + DAY
    assert next_run(hours, last=first - 9 * DAY) == first


def test_no_run_precedes_the_dags_start() -> None:
    in_a_week = datetime.now(UTC) + 7 * DAY
    assert next_run(1, starts=in_a_week) > in_a_week + DAY


def info_after(timetable: IgnoresFutureRuns | CronTriggerTimetable, last: DataInterval | None) -> DagRunInfo:
    start = pendulum.datetime(2020, 1, 1, tz="UTC")
    info = timetable.next_dagrun_info(
        last_automated_data_interval=last, restriction=TimeRestriction(start, None, catchup=False)
    )
    assert info is not None
    return info


@pytest.mark.parametrize("dag_id", SCHEDULES)
@pytest.mark.parametrize("days", [2, 45, 400])
def test_a_run_in_the_future_does_not_move_the_next_one(dag_id: str, days: int) -> None:
    timetable = SCHEDULES[dag_id]
    first = info_after(timetable, None)
    future = info_after(timetable, None)
    while future.run_after < pendulum.now("UTC").add(days=days):
        interval = future.data_interval
        assert interval is not None
        later = interval.start + timetable.period
        future = DagRunInfo(
            run_after=future.run_after + timetable.period,
            data_interval=DataInterval(later, later + (interval.end - interval.start)),
        )
    assert info_after(timetable, future.data_interval) == first
    # The first run exists, and Airflow continues from it.
    following = info_after(timetable, first.data_interval).run_after
    assert following - first.run_after == timetable.period
    assert pendulum.now("UTC") <= following <= pendulum.now("UTC") + timetable.period


def test_the_last_run_counts_if_another_clock_is_slightly_ahead() -> None:
    end = pendulum.now("UTC") + CLOCK_TOLERANCE / 2
    assert info_after(CronTimetable("0 6 * * *"), DataInterval(end, end)).run_after > end


@pytest.mark.parametrize("expression", ["0 6 * * *", "0 3 * * *", "0 5 * * 0", "0 18 * * *"])
def test_a_cron_timetable_matches_airflows_own(expression: str) -> None:
    ours, airflows = CronTimetable(expression), CronTriggerTimetable(expression, timezone="UTC")
    assert ours.summary == airflows.summary
    now = pendulum.now("UTC")
    for last in (None, DataInterval(now, now), DataInterval(now.subtract(days=30), now.subtract(days=30))):
        assert info_after(ours, last) == info_after(airflows, last)


def test_a_timetable_survives_serialization() -> None:
    for timetable in SCHEDULES.values():
        restored = type(timetable).deserialize(timetable.serialize())
        assert isinstance(restored, IgnoresFutureRuns)
        assert info_after(restored, None) == info_after(timetable, None)
        assert restored.summary == timetable.summary
    released = UsageDateTimetable.deserialize({"minutes_after_midnight": 90})
    assert released.summary == "01:30 UTC"
    assert released.description == "Every night at 01:30 UTC, for the day before"


def test_the_run_time_of_a_logical_date() -> None:
    date = pendulum.datetime(2026, 11, 28, tz="UTC")
    assert SCHEDULES["agora_bandwidth_daily"].run_after(date) == date.add(days=1, hours=1, minutes=30)
    assert SCHEDULES["agora_bandwidth_watch"].run_after(date.add(hours=6)) == date.add(hours=6)
    assert SCHEDULES["agora_bandwidth_retention"].period == 7 * DAY
    assert SCHEDULES["agora_bandwidth_daily"].period == DAY
    assert SCHEDULES["agora_bandwidth_daily"].next_after(date) == date.add(hours=1, minutes=30)
