"""The rules of what replaces what, told once more and one app-day at a time; judges what many loaders did.

A history of an app-day is right if it could have come about by one loader after the other: each version came
from one answer under the rules, while that answer was being loaded; and each answer that made no version was
refused by one that was held while it was being loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from tests.chaos.concurrency_answers import FAILED, LOST, REJECTED, SOUND, Said

EMPTY = "no row"
NOT_JSON = "not JSON"
STATUS = {FAILED: 500, REJECTED: 200, LOST: 400, SOUND: 200}


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


def after(held: Held | None, said: Said) -> Held | None:
    """Return the row that an answer makes of the row held; None where it changes nothing."""
    if held is None:
        return _fresh(said)
    has_points = held.collected_at is not None
    if said.kind == LOST:
        if has_points or held.state == LOST:
            return None
        before = f"; before that: {held.words}" if held.words else ""
        return replace(held, state=LOST, words=said.words + before)
    made = replace(_fresh(said), attempts=held.attempts + 1)
    if said.kind != SOUND:
        return None if has_points or held.state == LOST else made
    if held.collected_at is None:
        return made
    older = said.fetched_at <= held.collected_at
    the_same = (said.digest, said.starts_at) == (held.digest, held.starts_at)
    return None if older or the_same or said.points < held.points else made


def _fresh(said: Said) -> Held:
    sound = said.kind == SOUND
    state = said.kind
    if sound:
        state = "partial" if said.withheld else "collected"
    return Held(
        state=state,
        points=said.points,
        kbps=said.kbps if said.points else None,
        attempts=0 if said.kind == LOST else 1,
        http_status=STATUS[said.kind],
        words=_words(said),
        starts_at=said.starts_at,
        collected_at=said.fetched_at if sound else None,
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
        changed = old.points if new.kbps != old.kbps else 0
        if old.collected_at and changed + new.points - old.points:
            found.append(
                Trace(
                    changed,
                    new.points - old.points,
                    old.collected_at,
                    new.collected_at,
                    old.digest,
                    new.digest,
                )
            )
    return found


def findings(loaded: Sequence[Loaded], versions: Sequence[Version]) -> list[str]:
    """Judge one app-day; empty if it is as it must be.

    Args:
        loaded: Every answer that was brought for it.
        versions: Every row that was written of it, in order.
    """
    wrong = []
    left = list(loaded)
    makers: list[Loaded] = []
    held: Held | None = None
    for version in versions:
        maker = next((one for one in left if _made(one, held, version, loaded)), None)
        if maker is None:
            return [f"no answer makes {version.held} of {held or EMPTY} at {version.moment}"]
        left.remove(maker)
        makers.append(maker)
        held = version.held
    # A version can have been seen from when it was written until the one that replaced it was committed.
    ends = [maker.ended for maker in makers[1:]] + [max((one.ended for one in loaded), default=0)]
    for one in left:
        met = [
            version.held
            for version, end in zip(versions, ends, strict=True)
            if version.moment <= one.ended and end >= one.begun
        ]
        if all(
            after(version, one.said) and not _said_again(version, one, loaded, surely=False)
            for version in met
        ):
            wrong.append(f"{one.said} is lost: of what was held meanwhile nothing refuses it: {met}")
    return wrong


def _made(one: Loaded, held: Held | None, version: Version, loaded: Sequence[Loaded]) -> bool:
    return (
        one.begun <= version.moment <= one.ended
        and after(held, one.said) == version.held
        and not _said_again(held, one, loaded, surely=True)
    )


def _said_again(held: Held | None, one: Loaded, loaded: Sequence[Loaded], *, surely: bool) -> bool:
    """Tell whether the answer that is held came again, later than this one: then this one is an older answer.

    It had come when its load had ended before this one's began; it may have when they overlapped.
    """
    if held is None or held.collected_at is None or one.said.kind != SOUND:
        return False
    return any(
        other.said.digest == held.digest
        and other.said.fetched_at > one.said.fetched_at
        and (other.ended <= one.begun if surely else other.begun <= one.ended)
        for other in loaded
    )
