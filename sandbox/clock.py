"""The sandbox's clock, which determines the current usage date. It shows real time until it is set."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """A clock that can be set.

    Args:
        zone: The time zone in which days begin and end.
        starts_at: The initial time. Default: real time.
    """

    def __init__(self, zone: ZoneInfo, starts_at: datetime | None = None) -> None:
        self.zone = zone
        self._set_to: datetime | None = None
        self._set_when = 0.0
        if starts_at is not None:
            self.set(starts_at)

    def set(self, instant: datetime) -> None:
        """Set the clock to a time, from which it continues to run.

        Args:
            instant: The time. Without a UTC offset, it is local time in the clock's zone.

        Raises:
            ValueError: The year is out of range.
        """
        if not 1971 <= instant.year <= 9998:
            raise ValueError(f"The year must be from 1971 to 9998, not {instant.year}.")
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=self.zone)
        self._set_to = instant.astimezone(ZoneInfo("UTC"))
        self._set_when = time.monotonic()

    def now(self) -> datetime:
        """Return the current time in the clock's zone."""
        if self._set_to is None:
            return datetime.now(self.zone)
        passed = timedelta(seconds=time.monotonic() - self._set_when)
        return (self._set_to + passed).astimezone(self.zone)
