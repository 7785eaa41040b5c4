"""Recorded traffic from a CSV file, laid over the days before today."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandbox.slots import SLOT_MINUTES, SLOTS_PER_DAY

_COLUMNS = ("interval_start", "bits")


@dataclass(frozen=True)
class Replay:
    """A file's traffic by usage date.

    Attributes:
        days: kbps per slot, 288 a day, NaN where the file has no such interval.
        last_whole_day: The latest day of the file with all 288 intervals.
    """

    days: dict[date, NDArray[np.float64]]
    last_whole_day: date

    def shifted_to(self, usage_date: date) -> Replay:
        """Moves all days so that the last whole one falls on a date; the time of day stays."""
        shift = usage_date - self.last_whole_day
        return Replay({day + shift: points for day, points in self.days.items()}, usage_date)

    def points(self, usage_date: date) -> NDArray[np.float64]:
        """Looks up a day; outside the file every slot is NaN."""
        found = self.days.get(usage_date)
        return np.full(SLOTS_PER_DAY, np.nan) if found is None else found


def read_replay(path: Path) -> Replay:
    """Reads a CSV or .csv.gz file with the columns interval_start and bits, a row per five-minute interval.

    Args:
        path: The file; interval_start is an ISO date and time, read as the wall-clock time it spells.

    Returns:
        The days of the file on its own calendar; kbps = bits / 300 / 1000.

    Raises:
        ValueError: The file is not of this form or holds no whole day; the sentence names the line.
        OSError: The file cannot be read.
    """
    days: dict[date, NDArray[np.float64]] = {}
    for line, start, bits in _rows(path):
        slot, rest = divmod(start.hour * 60 + start.minute, SLOT_MINUTES)
        if rest or start.second or start.microsecond:
            raise ValueError(f"{path.name}, line {line}: {start} is not the start of a five-minute interval.")
        points = days.setdefault(start.date(), np.full(SLOTS_PER_DAY, np.nan))
        if not np.isnan(points[slot]):
            raise ValueError(f"{path.name}, line {line}: {start} occurs twice.")
        points[slot] = bits / (SLOT_MINUTES * 60) / 1000
    whole = [day for day, points in days.items() if not np.isnan(points).any()]
    if not whole:
        raise ValueError(f"{path.name} holds no whole day of {SLOTS_PER_DAY} five-minute intervals.")
    return Replay(days, max(whole))


def yesterday_of(now: datetime) -> date:
    """The day on which a file's last whole day is laid."""
    return now.date() - timedelta(days=1)


def _rows(path: Path) -> Iterator[tuple[int, datetime, int]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"{path.name} lacks the columns {' and '.join(_COLUMNS)}.")
        for row in reader:
            try:
                start, bits = datetime.fromisoformat(row["interval_start"]), int(row["bits"])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {reader.line_num}: {error}.") from error
            if bits < 0:
                raise ValueError(f"{path.name}, line {reader.line_num}: {bits} bits is below zero.")
            yield reader.line_num, start.replace(tzinfo=None), bits
