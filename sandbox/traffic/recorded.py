"""Recorded traffic from a CSV file, shifted to the days before today."""

from __future__ import annotations

import csv
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandbox.traffic.slots import SLOT_MINUTES, SLOTS_PER_DAY

MOST_BYTES = 32 << 20  # unpacked: ten years of rows
_COLUMNS = ("interval_start", "bits")


@dataclass(frozen=True)
class RecordedTraffic:
    """The traffic in a file, by usage date.

    Attributes:
        days: The 288 points of each day, in kbps. NaN marks an interval that the file does not contain.
        last_whole_day: The last day with all 288 intervals.
    """

    days: dict[date, NDArray[np.float64]]
    last_whole_day: date

    def shifted_to(self, usage_date: date) -> RecordedTraffic:
        """Return the traffic, shifted so that the last whole day falls on a date. Times of day do not change.

        Raises:
            ValueError: A day would be outside the years 1 to 9999.
        """
        shift = usage_date - self.last_whole_day
        try:
            return RecordedTraffic({day + shift: points for day, points in self.days.items()}, usage_date)
        except OverflowError:
            raise ValueError(
                f"The traffic file has days from {min(self.days)} to {max(self.days)}. With the last whole"
                f" day, {self.last_whole_day}, moved to {usage_date}, the calendar cannot hold all days."
            ) from None

    def points(self, usage_date: date) -> NDArray[np.float64]:
        """Return the 288 points of a day. For a day outside the file, all of them are NaN."""
        found = self.days.get(usage_date)
        return np.full(SLOTS_PER_DAY, np.nan) if found is None else found


def read_recorded_traffic(path: Path) -> RecordedTraffic:
    """Read a CSV or .csv.gz file with the columns interval_start and bits, one row per five-minute interval.

    Args:
        path: The file. interval_start is a date and time in ISO 8601, read as local time.

    Returns:
        The file's days with their original dates, where kbps = bits / 300 / 1000.

    Raises:
        ValueError: The file is unreadable or malformed, or contains no whole day. The message names the file
            and, if known, the line and the column.
    """
    days: dict[date, NDArray[np.float64]] = {}
    for line, start, bits in _rows(path):
        slot, rest = divmod(start.hour * 60 + start.minute, SLOT_MINUTES)
        if rest or start.second or start.microsecond:
            raise ValueError(
                f"{printable_name(path)}, line {line}: {start} is not the start of a five-minute interval."
            )
        points = days.setdefault(start.date(), np.full(SLOTS_PER_DAY, np.nan))
        if not np.isnan(points[slot]):
            raise ValueError(f"{printable_name(path)}, line {line}: {start} occurs twice.")
        points[slot] = bits / (SLOT_MINUTES * 60) / 1000
    whole = [day for day, points in days.items() if not np.isnan(points).any()]
    if not whole:
        raise ValueError(
            f"{printable_name(path)} contains no whole day of {SLOTS_PER_DAY} five-minute intervals."
        )
    return RecordedTraffic(days, max(whole))


def _rows(path: Path) -> Iterator[tuple[int, datetime, int]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        if not set(_COLUMNS) <= set(header):
            raise ValueError(f"the columns {' and '.join(_COLUMNS)} are required.")
        for name in header:
            if header.count(name) > 1:
                raise ValueError(f"the column {_quoted(name)} occurs twice.")
        start_at, bits_at = (header.index(name) for name in _COLUMNS)
        for row in filter(None, reader):
            if len(row) != len(header):
                raise ValueError(f"{len(row)} fields, but the header has {len(header)} columns.")
            yield reader.line_num, _start(row[start_at]), _bits(row[bits_at])
    except csv.Error as error:
        raise ValueError(f"{printable_name(path)}, line {reader.line_num}: not CSV ({error}).") from None
    except ValueError as error:
        raise ValueError(f"{printable_name(path)}, line {max(reader.line_num, 1)}: {error}") from None


def _text(path: Path) -> str:
    """Return the text of the file, which may start with a byte order mark."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a directory fails anyway
            raise OSError("not a regular file")
        with opener(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise ValueError(f"{printable_name(path)} cannot be read: {reason}.") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"{printable_name(path)} has more than {MOST_BYTES >> 20} MiB of text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{printable_name(path)}, line {line}: the text is not UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{printable_name(path)}, line {line}: the text contains a NUL character.")
    return text


def printable_name(path: Path) -> str:
    """Return a file's name for a message. A name with control characters is quoted and escaped."""
    return path.name if path.name.isprintable() else repr(path.name)


def _start(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        example = "2026-11-01 00:05:00"
        raise ValueError(f"column interval_start: {_quoted(text)} is not a time such as {example}.") from None


def _bits(text: str) -> int:
    if re.fullmatch(r"-[0-9]*[1-9][0-9]*", text):
        raise ValueError(f"column bits: {_quoted(text)} is negative.")
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError(f"column bits: {_quoted(text)} is not an integer of at most 18 digits.")
    return int(text)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
