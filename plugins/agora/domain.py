"""The grid of a usage date: 288 five-minute slots, how the vendor labels them and when they start."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

MINUTES_PER_SLOT = 5
SLOTS_PER_DAY = 24 * 60 // MINUTES_PER_SLOT
LABELS: tuple[str, ...] = tuple(
    f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 24 * 60, MINUTES_PER_SLOT)
)


def starts_at(usage_date: date, timezone: str) -> datetime:
    """Return the instant at which the first slot of a usage date starts.

    Settings admit only zones without clock changes, so slot n always starts n × 5 minutes later.
    """
    return datetime.combine(usage_date, time(), ZoneInfo(timezone))
