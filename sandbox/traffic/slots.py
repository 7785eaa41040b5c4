"""The five-minute slots of a usage date: their labels, which slots exist, and which slots have ended."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SLOT_MINUTES = 5
SLOTS_PER_DAY = 24 * 60 // SLOT_MINUTES
SLOT_LABELS: tuple[str, ...] = tuple(
    f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 24 * 60, SLOT_MINUTES)
)
SLOT_NUMBERS: dict[str, int] = {label: number for number, label in enumerate(SLOT_LABELS)}


@lru_cache(maxsize=64)
def existing_slots(usage_date: date, zone: ZoneInfo) -> NDArray[np.int64]:
    """Return the numbers of the slots whose wall-clock time exists on a day.

    The keys of a response are wall-clock times. The hour that daylight saving time skips has no slots. In
    the repeated hour, each label appears once, for the first occurrence.

    Args:
        usage_date: The day in the sandbox's time zone.
        zone: The sandbox's time zone.

    Returns:
        The slot numbers in ascending order: 288 on an ordinary day.
    """
    starts = _slot_starts(usage_date, zone)
    kept = [n for n, start in enumerate(starts) if _wall_time(start, zone) == start.replace(tzinfo=None)]
    return np.array(kept, dtype=np.int64)


def ended_slots(usage_date: date, now: datetime, zone: ZoneInfo) -> int:
    """Return how many slots of a day have ended, counted from the start of the day.

    Args:
        usage_date: The day in the sandbox's time zone.
        now: The current time, with a time zone.
        zone: The sandbox's time zone.
    """
    return int(np.searchsorted(_slot_ends(usage_date, zone), now.timestamp(), side="right"))


@lru_cache(maxsize=64)
def _slot_ends(usage_date: date, zone: ZoneInfo) -> NDArray[np.float64]:
    starts = _slot_starts(usage_date, zone)
    return np.array(
        [starts[n].timestamp() + SLOT_MINUTES * 60 for n in existing_slots(usage_date, zone)],
        dtype=np.float64,
    )


def _slot_starts(usage_date: date, zone: ZoneInfo) -> list[datetime]:
    midnight = datetime(usage_date.year, usage_date.month, usage_date.day, tzinfo=zone)
    return [midnight + timedelta(minutes=SLOT_MINUTES * n) for n in range(SLOTS_PER_DAY)]


def _wall_time(instant: datetime, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant.timestamp(), zone).replace(tzinfo=None)
