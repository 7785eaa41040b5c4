"""The sandbox's clock: real time, or a chosen instant that ticks on."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Tells the time that decides what "today" is.

    Args:
        zone: The time zone in which days begin and end.
        starts_at: The instant the clock shows now; without it the clock shows real time.
    """

    def __init__(self, zone: ZoneInfo, starts_at: datetime | None = None) -> None:
        self.zone = zone
        self._set_to: datetime | None = None
        self._set_when = 0.0
        if starts_at is not None:
            self.set(starts_at)

    def set(self, instant: datetime) -> None:
        """Moves the clock to an instant, from which it ticks on; without a zone it is read in the clock's.

        Raises:
            ValueError: It is so far off that there are no days around it, or no seconds since 1970.
        """
        if not 1971 <= instant.year <= 9998:
            raise ValueError(f"The clock shows years from 1971 to 9998, not {instant.year}.")
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=self.zone)
        self._set_to = instant.astimezone(ZoneInfo("UTC"))
        self._set_when = time.monotonic()

    def now(self) -> datetime:
        """Tells the time in the clock's zone."""
        if self._set_to is None:
            return datetime.now(self.zone)
        passed = timedelta(seconds=time.monotonic() - self._set_when)
        return (self._set_to + passed).astimezone(self.zone)
