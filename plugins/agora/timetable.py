"""When the nightly run happens: some time after midnight, for the day that has just ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable


class UsageDateTimetable(CronDataIntervalTimetable):
    """Data intervals from midnight to midnight UTC, run a while after they end.

    A cron string alone would either have no interval or one that starts at the hour of the run; usage dates
    start at midnight, and Airflow's backfills choose days by their interval.

    Args:
        minutes_after_midnight: How long after the interval's end it runs.
    """

    def __init__(self, minutes_after_midnight: int) -> None:
        super().__init__("0 0 * * *", "UTC")
        self._minutes_after_midnight = minutes_after_midnight
        hours, minutes = divmod(minutes_after_midnight, 60)
        self.description = f"Every night at {hours:02d}:{minutes:02d} UTC, for the day before"

    @property
    def summary(self) -> str:
        """Short text for the UI."""
        hours, minutes = divmod(self._minutes_after_midnight, 60)
        return f"{hours:02d}:{minutes:02d} UTC"

    def serialize(self) -> dict[str, Any]:
        """Return what `deserialize` needs."""
        return {"minutes_after_midnight": self._minutes_after_midnight}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> UsageDateTimetable:
        """Build one from what `serialize` returned."""
        return cls(data["minutes_after_midnight"])

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next midnight-to-midnight interval, to be run after the delay."""
        delay = timedelta(minutes=self._minutes_after_midnight)
        if not restriction.catchup:
            # Airflow takes the day that ended last, whose run may be to come yet: none would start at once.
            latest_due = (pendulum.now("UTC") - delay).start_of("day") - timedelta(days=1)
            earliest = max(latest_due, restriction.earliest or latest_due)
            restriction = TimeRestriction(earliest, restriction.latest, catchup=True)
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        if info is None or info.data_interval is None:
            return info
        return DagRunInfo(run_after=info.data_interval.end + delay, data_interval=info.data_interval)
