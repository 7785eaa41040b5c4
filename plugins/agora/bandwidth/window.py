"""The vendor's window: where it is expected to end, and where its answers say it ends."""

from __future__ import annotations

import calendar
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

SHORTEST_MONTH_DAYS = 28

Probe = Callable[[date], Awaitable[bool | None]]
"""Asks for one day: True served, False refused with 400, None for an answer that says neither."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What the answers for one app said of the window's edge.

    Attributes:
        oldest_served: The oldest day that was served.
        newest_refused: The day before it, which was refused; None where every day asked was served.
    """

    oldest_served: date
    newest_refused: date | None


def expected_oldest_day(window: str, today: date) -> date:
    """Return the oldest day that a window of "1 month" or "N days" is expected to hold.

    A month ago is the same day of the month before, or that month's last day where it is shorter.
    """
    if window != "1 month":
        return today - timedelta(days=int(window.split()[0]))
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def certain_since(window: str, today: date) -> date:
    """Return the oldest day for which a 400 is a fault, because any month is long enough to hold it."""
    return max(expected_oldest_day(window, today), today - timedelta(days=SHORTEST_MONTH_DAYS - 1))


async def learn_edge(probe: Probe, *, expected: date, oldest: date, certain: date) -> Edge | None:
    """Find the edge with as few questions as possible, two where the expectation is right.

    All questions are about the same app, and the day next to the refused one must have been served:
    an app that is refused whatever is asked says nothing about the window.

    Args:
        probe: Asks for one day.
        expected: The oldest day that should be served.
        oldest: The oldest day that matters; where it is served, the edge does not.
        certain: A day that is inside for certain.

    Returns:
        The edge, or None where the answers do not tell.
    """
    served: date | None = None
    refused: date | None = None
    day, step = expected, 1
    while served is None or refused is None:
        answer = await probe(day)
        if answer is None:
            return None
        if answer:
            served = day
            if day <= oldest:
                return Edge(served, None)
            day = max(day - timedelta(days=step), oldest)
        else:
            refused = day
            if day >= certain:
                return None
            day = min(day + timedelta(days=step), certain)
        step *= 2
    return await _narrow(probe, served, refused)


async def agreed_edge(probes: Sequence[Probe], *, expected: date, oldest: date, certain: date) -> Edge | None:
    """Ask one app after the other until two say the same of the edge.

    One alone is not believed: an app that the vendor has known for a few weeks only may be refused days that
    it serves for others. An account's only app has to be.

    Args:
        probes: Ask for one day of an app each.
        expected: The oldest day that should be served.
        oldest: The oldest day that matters.
        certain: A day that is inside for certain.

    Returns:
        The edge, or None where no two apps agree.
    """
    found: list[Edge] = []
    for probe in probes:
        start = min((edge.oldest_served for edge in found), default=expected)
        edge = await learn_edge(probe, expected=start, oldest=oldest, certain=certain)
        if edge is None:
            continue
        if edge in found or edge.newest_refused is None or len(probes) == 1:
            return edge
        found.append(edge)
    return None


async def _narrow(probe: Probe, served: date, refused: date) -> Edge | None:
    while (gap_days := (served - refused).days) > 1:
        day = refused + timedelta(days=gap_days // 2)
        answer = await probe(day)
        if answer is None:
            return None
        served, refused = (day, refused) if answer else (served, day)
    return Edge(served, refused)
