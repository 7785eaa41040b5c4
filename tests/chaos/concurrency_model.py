"""An independent statement of the rules for replacing an app-day, which judges the result of many loaders.

Each response counts and makes one version of its app-day's row, even if it only adds an attempt. A history is
valid if sequential loaders could have made it, with each version made while its response was being loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from tests.chaos.concurrency_answers import FAILED, REJECTED, SOUND, Delivery

EMPTY = "no row"
NOT_JSON = "not JSON"
STATUS = {FAILED: 500, REJECTED: 200, SOUND: 200}


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of core.app_day that loaders decide; `kbps` is the value of every point."""

    state: str
    points: int
    kbps: int | None
    attempts: int
    http_status: int
    reason: str
    starts_at: datetime
    collected_at: datetime | None
    verified_at: datetime | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A response, and the values of the warehouse's counter before and after its load."""

    delivery: Delivery
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Version:
    """A written row, and the counter's value at that moment."""

    row: Row
    moment: int


@dataclass(frozen=True, slots=True)
class Restatement:
    """A row of core.restatement."""

    points_changed: int
    points_added: int
    old_collected_at: datetime
    new_collected_at: datetime | None
    old_digest: bytes | None
    new_digest: bytes | None
    old_starts_at: datetime
    new_starts_at: datetime
    old_sum_kbps: float
    new_sum_kbps: float


def after(row: Row | None, delivery: Delivery) -> Row:
    """Return the stored row as it is after a response."""
    if row is None:
        return _fresh(delivery)
    if delivery.kind != SOUND:
        result = row if row.collected_at else _fresh(delivery)
        return replace(result, attempts=row.attempts + 1)
    result = _fresh(delivery) if _wins(row, delivery) else row
    verified_at = max(filter(None, [row.verified_at, delivery.fetched_at]))
    return replace(result, attempts=row.attempts + 1, verified_at=verified_at)


def _wins(row: Row, delivery: Delivery) -> bool:
    """Return whether a sound response replaces the stored points: it is newer and differs or has more."""
    if row.collected_at is None or row.verified_at is None:
        return True
    contradicts = delivery.points > 0 and row.points > 0 and delivery.kbps != row.kbps
    return delivery.fetched_at > row.verified_at and (contradicts or delivery.points > row.points)


def _fresh(delivery: Delivery) -> Row:
    sound = delivery.kind == SOUND
    state = delivery.kind
    if sound:
        state = "partial" if delivery.withheld else "collected"
    return Row(
        state=state,
        points=delivery.points,
        kbps=delivery.kbps if delivery.points else None,
        attempts=1,
        http_status=STATUS[delivery.kind],
        reason=_reason(delivery),
        starts_at=delivery.starts_at,
        collected_at=delivery.fetched_at if sound else None,
        verified_at=delivery.fetched_at if sound else None,
        digest=delivery.digest if delivery.kind in (SOUND, REJECTED) else None,
    )


def _reason(delivery: Delivery) -> str:
    if delivery.kind == SOUND:
        return f"the vendor delivered {delivery.points} of 288 points" if delivery.withheld else ""
    return NOT_JSON if delivery.kind == REJECTED else delivery.text


def expected_restatements(versions: Sequence[Version]) -> list[Restatement]:
    """Return the restatements that an app-day's history implies: one for each change of stored points."""
    found = []
    for old, new in pairwise(version.row for version in versions):
        is_other = (new.kbps, new.starts_at) != (old.kbps, old.starts_at)
        changed = old.points if is_other else max(0, old.points - new.points)
        added = max(0, new.points - old.points)
        if old.collected_at and changed + added:
            found.append(
                Restatement(
                    changed,
                    added,
                    old.collected_at,
                    new.collected_at,
                    old.digest,
                    new.digest,
                    old.starts_at,
                    new.starts_at,
                    old.points * (old.kbps or 0),
                    new.points * (new.kbps or 0),
                )
            )
    return found


def findings(loaded: Sequence[Loaded], versions: Sequence[Version]) -> list[str]:
    """Check one app-day; return an empty list if its history is valid.

    Args:
        loaded: Every response delivered for the app-day.
        versions: Every row written for the app-day, in order.
    """
    # If several responses can make a version, take the one whose load ended first. The others may still make
    # a later version, and the choice does not affect what the remaining responses can do.
    left = sorted(loaded, key=lambda one: one.ended)
    row: Row | None = None
    for version in versions:
        response = next((one for one in left if _could_make(one, row, version)), None)
        if response is None:
            return [f"no response makes {version.row} from {row or EMPTY} at {version.moment}"]
        left.remove(response)
        row = version.row
    return [f"{one.delivery} had no effect" for one in left]


def _could_make(one: Loaded, row: Row | None, version: Version) -> bool:
    return one.begun <= version.moment <= one.ended and after(row, one.delivery) == version.row
