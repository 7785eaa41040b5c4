"""The rules of what replaces what, stated again and one app-day at a time; judges what many loaders did.

Each response counts: it makes one version of its app-day's row, be it only one attempt more. A history is
right if one loader after the other could have made it, each response while it was being loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from tests.chaos.concurrency_answers import FAILED, REJECTED, SOUND, Said

EMPTY = "no row"
NOT_JSON = "not JSON"
STATUS = {FAILED: 500, REJECTED: 200, SOUND: 200}


@dataclass(frozen=True, slots=True)
class Held:
    """A row of core.app_day, as far as loaders decide it; `kbps` is every point's number."""

    state: str
    points: int
    kbps: int | None
    attempts: int
    http_status: int
    words: str
    starts_at: datetime
    collected_at: datetime | None
    verified_at: datetime | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """An answer, and the moments of the warehouse's counter before and after it was loaded."""

    said: Said
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Version:
    """A row that was written, and the moment."""

    held: Held
    moment: int


@dataclass(frozen=True, slots=True)
class Trace:
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


def after(held: Held | None, said: Said) -> Held:
    """Return the row that a response makes of the row held."""
    if held is None:
        return _fresh(said)
    if said.kind != SOUND:
        made = held if held.collected_at else _fresh(said)
        return replace(made, attempts=held.attempts + 1)
    made = _fresh(said) if _wins(held, said) else held
    verified_at = max(filter(None, [held.verified_at, said.fetched_at]))
    return replace(made, attempts=held.attempts + 1, verified_at=verified_at)


def _wins(held: Held, said: Said) -> bool:
    """Tell whether a sound response replaces the points held: it is newer, and contradicts or has more."""
    if held.collected_at is None or held.verified_at is None:
        return True
    contradicts = said.points > 0 and held.points > 0 and said.kbps != held.kbps
    return said.fetched_at > held.verified_at and (contradicts or said.points > held.points)


def _fresh(said: Said) -> Held:
    sound = said.kind == SOUND
    state = said.kind
    if sound:
        state = "partial" if said.withheld else "collected"
    return Held(
        state=state,
        points=said.points,
        kbps=said.kbps if said.points else None,
        attempts=1,
        http_status=STATUS[said.kind],
        words=_words(said),
        starts_at=said.starts_at,
        collected_at=said.fetched_at if sound else None,
        verified_at=said.fetched_at if sound else None,
        digest=said.digest if said.kind in (SOUND, REJECTED) else None,
    )


def _words(said: Said) -> str:
    if said.kind == SOUND:
        return f"the vendor delivered {said.points} of 288 points" if said.withheld else ""
    return NOT_JSON if said.kind == REJECTED else said.words


def traces(versions: Sequence[Version]) -> list[Trace]:
    """Return the traces that an app-day's history must have left: one wherever points replaced points."""
    found = []
    for old, new in pairwise(version.held for version in versions):
        is_other = (new.kbps, new.starts_at) != (old.kbps, old.starts_at)
        changed = old.points if is_other else max(0, old.points - new.points)
        added = max(0, new.points - old.points)
        if old.collected_at and changed + added:
            found.append(
                Trace(
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
    """Judge one app-day; empty if it is as it must be.

    Args:
        loaded: Every response that was brought for it.
        versions: Every row that was written of it, in order.
    """
    # Of responses that make the same version, the one whose load ended first: a later one may still make a
    # later version, and once they have made the same, what is left of them does the same ever after.
    left = sorted(loaded, key=lambda one: one.ended)
    held: Held | None = None
    for version in versions:
        maker = next((one for one in left if _made(one, held, version)), None)
        if maker is None:
            return [f"no response makes {version.held} of {held or EMPTY} at {version.moment}"]
        left.remove(maker)
        held = version.held
    return [f"{one.said} left no trace" for one in left]


def _made(one: Loaded, held: Held | None, version: Version) -> bool:
    return one.begun <= version.moment <= one.ended and after(held, one.said) == version.held
