"""When the nightly run happens, asked at whatever time this runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction

from agora.timetable import UsageDateTimetable

DAY = timedelta(days=1)
# At any time of the day some of these are still to come today, and the others have been.
HOURS_AFTER_MIDNIGHT = range(24)


def next_run(hours: int, last: datetime | None = None, starts: datetime | None = None) -> datetime:
    """Return when it runs, after a last run and the DAG's start."""
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
def test_the_first_run_is_the_latest_that_is_due(hours: int) -> None:
    for starts in (None, datetime(2020, 1, 1, tzinfo=UTC)):
        assert timedelta() <= datetime.now(UTC) - next_run(hours, starts=starts) < DAY


@pytest.mark.parametrize("hours", HOURS_AFTER_MIDNIGHT)
def test_the_next_run_is_a_day_later_and_nights_without_airflow_are_not_repeated(hours: int) -> None:
    first = next_run(hours)
    assert next_run(hours, last=first) == first + DAY
    assert next_run(hours, last=first - 9 * DAY) == first


def test_no_day_before_the_dag_starts() -> None:
    in_a_week = datetime.now(UTC) + 7 * DAY
    assert next_run(1, starts=in_a_week) > in_a_week + DAY
