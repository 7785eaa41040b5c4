"""From decoded answers to one DataFrame a batch: DataFrame in, DataFrame out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from agora.domain import SLOTS_PER_DAY, starts_at

SLOTS = pd.RangeIndex(SLOTS_PER_DAY, name="slot")
LEDGER = ["starts_at", "state", "points", "attempts", "http_status", "reason", "collected_at", "body_sha256"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of requesting one app-day, before it is brought onto the grid.

    Attributes:
        kbps: 288 rates with NaN for absent ones; None where there is no sound response.
        attempts: How many requests it counts for in the ledger.
        http_status: Status of the response, None without one.
        reason: Why there are not 288 points, empty where there are.
        rejected: The response was a 200 that breaks the vendor's contract.
        collected_at: When the response was received.
        body_sha256: Digest of the response's body.
        starts_at: Start of the day, if that is known already; by default its midnight in the batch's zone.
    """

    app_id: str
    usage_date: date
    kbps: ArrayLike | None = None
    attempts: int = 1
    http_status: int | None = None
    reason: str = ""
    rejected: bool = False
    collected_at: datetime | None = None
    body_sha256: bytes | None = None
    starts_at: datetime | None = None


def normalise(outcomes: Iterable[Outcome], timezone: str) -> pd.DataFrame:
    """Bring a batch onto the grid.

    Args:
        outcomes: One a app-day, in any order, no app-day twice.
        timezone: IANA zone of the usage dates.

    Returns:
        Grain: one app-day a row, index (app_id, usage_date), sorted. Columns: the ledger's (`starts_at` is
        timezone-aware, `state` is collected, partial, rejected or failed, `points` counts the slots present)
        and the slots 0 … 287 as float64 in kbps, slot n starting n × 5 minutes after `starts_at`. NaN means
        that the vendor delivered no such point; it is never zero.

    Raises:
        ValueError: The same app-day twice.
    """
    batch = sorted(outcomes, key=lambda outcome: (outcome.app_id, outcome.usage_date))
    index = pd.MultiIndex.from_arrays(
        [[o.app_id for o in batch], [o.usage_date for o in batch]], names=["app_id", "usage_date"]
    )
    if index.has_duplicates:
        raise ValueError(f"app-day twice in one batch: {index[index.duplicated()][0]}")
    grid = np.full((len(batch), SLOTS_PER_DAY), np.nan)
    for row, outcome in zip(grid, batch, strict=True):
        if outcome.kbps is not None:
            row[:] = outcome.kbps
    grid += 0.0  # JSON knows a minus zero; people reading SQL need not
    return pd.DataFrame(grid, index=index, columns=SLOTS).pipe(_with_ledger, batch, timezone)


def _with_ledger(points: pd.DataFrame, batch: list[Outcome], timezone: str) -> pd.DataFrame:
    """Put what the ledger keeps of each app-day before its points."""
    counts = SLOTS_PER_DAY - np.isnan(points.to_numpy()).sum(axis=1)

    def as_they_are(values: Iterable[object]) -> pd.Series:
        return pd.Series(list(values), index=points.index, dtype=object)

    ledger = pd.DataFrame(
        {
            "starts_at": as_they_are(o.starts_at or starts_at(o.usage_date, timezone) for o in batch),
            "state": [_state(o, count) for o, count in zip(batch, counts, strict=True)],
            "points": counts,
            "attempts": [o.attempts for o in batch],
            "http_status": as_they_are(o.http_status for o in batch),
            "reason": [_reason(o, count) for o, count in zip(batch, counts, strict=True)],
            "collected_at": as_they_are(o.collected_at for o in batch),
            "body_sha256": as_they_are(o.body_sha256 for o in batch),
        },
        index=points.index,
    )
    return pd.concat([ledger, points], axis="columns")


def _state(outcome: Outcome, points: int) -> str:
    if outcome.kbps is not None:
        return "collected" if points == SLOTS_PER_DAY else "partial"
    return "rejected" if outcome.rejected else "failed"


def _reason(outcome: Outcome, points: int) -> str:
    if outcome.kbps is not None and points < SLOTS_PER_DAY:
        return f"the vendor delivered {points} of {SLOTS_PER_DAY} points"
    return outcome.reason
