"""Normalise the decoded responses of a batch into one DataFrame."""

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
    """Outcome of requesting one app-day, before normalisation.

    Attributes:
        kbps: 288 rates, with NaN for missing points. None if there is no sound response.
        attempts: Number of requests to add to the ledger.
        http_status: HTTP status of the response. None if there is no response.
        reason: Reason why points are missing. Empty if all 288 points are present.
        rejected: Whether the response was a 200 that breaks the vendor's contract.
        collected_at: Time when the response was received.
        body_sha256: Digest of the response's body.
        starts_at: Start of the day. Default: midnight in the batch's time zone.
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
    """Return the outcomes of a batch as one DataFrame.

    Args:
        outcomes: One outcome per app-day, in any order.
        timezone: IANA time zone of the usage dates.

    Returns:
        Grain: one row per app-day, sorted by the index (app_id, usage_date). The ledger columns come first:
            `starts_at` has a time zone, `state` is collected, partial, rejected or failed, and `points` is
            the number of points that are present. The slots 0 … 287 follow as float64 in kbps. Slot n starts
            n × 5 minutes after `starts_at`. NaN means that the vendor did not deliver the point. A missing
            point is never zero.

    Raises:
        ValueError: An app-day occurs twice.
    """
    batch = sorted(outcomes, key=lambda outcome: (outcome.app_id, outcome.usage_date))
    index = pd.MultiIndex.from_arrays(
        [[o.app_id for o in batch], [o.usage_date for o in batch]], names=["app_id", "usage_date"]
    )
    if index.has_duplicates:
        raise ValueError(f"an app-day occurs twice in one batch: {index[index.duplicated()][0]}")
    grid = np.full((len(batch), SLOTS_PER_DAY), np.nan)
    for row, outcome in zip(grid, batch, strict=True):
        if outcome.kbps is not None:
            row[:] = outcome.kbps
    grid += 0.0  # turns JSON's minus zero into zero
    return pd.DataFrame(grid, index=index, columns=SLOTS).pipe(_with_ledger, batch, timezone)


def _with_ledger(points: pd.DataFrame, batch: list[Outcome], timezone: str) -> pd.DataFrame:
    """Insert the ledger columns before the points."""
    counts = SLOTS_PER_DAY - np.isnan(points.to_numpy()).sum(axis=1)

    def as_objects(values: Iterable[object]) -> pd.Series:
        return pd.Series(list(values), index=points.index, dtype=object)

    ledger = pd.DataFrame(
        {
            "starts_at": as_objects(o.starts_at or starts_at(o.usage_date, timezone) for o in batch),
            "state": [_state(o, count) for o, count in zip(batch, counts, strict=True)],
            "points": counts,
            "attempts": [o.attempts for o in batch],
            "http_status": as_objects(o.http_status for o in batch),
            "reason": [_reason(o, count) for o, count in zip(batch, counts, strict=True)],
            "collected_at": as_objects(o.collected_at for o in batch),
            "body_sha256": as_objects(o.body_sha256 for o in batch),
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
