"""The measured data: app-days from the sandbox, and the same points as prepared files for bare COPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from agora.warehouse import binary_copy as encode
from tests.support.sandbox_server import RunningSandbox

SLOTS = 288
SLOT_MICROSECONDS = 300_000_000
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

POINTS_TABLE = """
create table point_row (
    app_key integer, interval_start timestamptz, kbps double precision, primary key (app_key, interval_start)
)
"""
DAYS_TABLE = """
create table day_row (
    app_key integer, usage_date date, kbps double precision [], primary key (app_key, usage_date)
)
"""


@dataclass(frozen=True)
class Workload:
    """A number of apps and days, and the resulting number of points."""

    apps: int
    days: int

    @property
    def name(self) -> str:
        """Short name for the table of results."""
        return f"{self.apps:,} apps × {self.days} day{'s' * (self.days != 1)}"

    @property
    def app_days(self) -> int:
        """Number of app-days."""
        return self.apps * self.days

    @property
    def points(self) -> int:
        """Number of five-minute points."""
        return self.app_days * SLOTS

    def usage_dates(self, today: date) -> list[date]:
        """Return the newest days of the window, oldest first."""
        return [today - timedelta(days=back) for back in range(self.days, 0, -1)]


def grid_of(sandbox: RunningSandbox, app_ids: Sequence[str], usage_dates: Sequence[date]) -> Any:
    """Return the sandbox's true points in kbps, as a matrix with one row per app-day."""
    return np.array(
        [sandbox.points(app_id, day) for day in usage_dates for app_id in app_ids], dtype=np.float64
    )


def points_file(grid: Any, apps: int, usage_dates: Sequence[date]) -> bytes:
    """Return the points in binary COPY format, with one row per point: key, time, rate."""
    row = np.dtype(
        [
            *(("fields", ">i2"), ("key_length", ">i4"), ("key", ">i4")),
            *(("start_length", ">i4"), ("start", ">i8"), ("kbps_length", ">i4"), ("kbps", ">f8")),
        ]
    )
    rows = np.empty(grid.size, dtype=row)
    rows["fields"], rows["key_length"], rows["start_length"], rows["kbps_length"] = 3, 4, 8, 8
    rows["key"] = np.tile(np.repeat(np.arange(apps), SLOTS), len(usage_dates))
    midnights = [
        int((datetime.combine(day, time(), UTC) - EPOCH).total_seconds()) * 1_000_000 for day in usage_dates
    ]
    of_day = np.arange(SLOTS) * SLOT_MICROSECONDS
    rows["start"] = np.concatenate([np.tile(midnight + of_day, apps) for midnight in midnights])
    rows["kbps"] = grid.ravel()
    return encode.HEADER + rows.tobytes() + encode.TRAILER


def days_file(grid: Any, apps: int, usage_dates: Sequence[date]) -> bytes:
    """Return the points in binary COPY format, with one row and array per app-day."""
    keys = [(app_key, day) for day in usage_dates for app_key in range(apps)]
    rows = (
        (b"\0\3", encode.int4(app_key), encode.day(day), kbps)
        for (app_key, day), kbps in zip(keys, encode.float8_arrays(grid), strict=True)
    )
    return encode.HEADER + b"".join(b"".join(row) for row in rows) + encode.TRAILER
