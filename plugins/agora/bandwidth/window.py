"""The vendor window, and a strategy for finding its edge with few wasted requests."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

from agora.domain import AppDay

MARGIN_DAYS = 2  # a day is still requested this long after it should have left the window
EDGE_DAYS = 3  # number of oldest days in the window; a refusal of these days is not a failure
PROBES_PER_DATE = 3


def oldest_day(window: str, today: date) -> date:
    """Return the oldest day that a window of "1 month" or "N days" is expected to contain.

    One month ago is the same day of the previous month, or the last day of the previous month if that month
    is too short.
    """
    if window != "1 month":
        return today - timedelta(days=int(window.split()[0]))
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def oldest_requested(window: str, today: date) -> date:
    """Return the oldest day that is still requested: the oldest day of the window as of two days ago.

    Several days can leave a one-month window on the same date. The margin therefore shifts the whole window
    instead of the oldest day.
    """
    return oldest_day(window, today - timedelta(days=MARGIN_DAYS))


def edge_end(window: str, today: date) -> date:
    """Return the oldest day for which a 400 is a failure."""
    return oldest_day(window, today) + timedelta(days=EDGE_DAYS)


@dataclass
class Edge:
    """The edge of the vendor window, as observed in one batch's responses.

    The edge is used to save requests. It never marks a day as lost.

    A few app-days per date are requested first. If the vendor refuses all of them, the date's other app-days
    are requested only for apps whose own responses do not rule them out. A window has no holes: if one of an
    app's days is refused, its older days are refused too. If a day is served, its newer days are served too.
    If neither is known for an app, its newest day is requested, unless this day has left the window
    according to the calendar.

    Attributes:
        app_days: App-days to request, soonest to expire first.
        oldest: The oldest day that the window is expected to contain.
        today: Current date. It varies the choice of apps that are requested first from night to night.
        refused_before: App-days whose last request the vendor refused.
    """

    app_days: Collection[AppDay]
    oldest: date
    today: date
    refused_before: Collection[AppDay] = ()
    _left: dict[date, list[str]] = field(init=False)
    _served_at: dict[str, date] = field(default_factory=dict, init=False)  # oldest
    _refused_at: dict[str, date] = field(default_factory=dict, init=False)  # newest
    _probes: defaultdict[date, int] = field(default_factory=lambda: defaultdict(int), init=False)
    _refusals: defaultdict[date, int] = field(default_factory=lambda: defaultdict(int), init=False)

    def __post_init__(self) -> None:
        left: defaultdict[date, list[str]] = defaultdict(list)
        for app_id, usage_date in self.app_days:
            left[usage_date].append(app_id)
        self._left = dict(left)
        for app_id, usage_date in self.refused_before:
            self._refused_at[app_id] = max(usage_date, self._refused_at.get(app_id, usage_date))

    def note(self, app_id: str, usage_date: date, *, served: bool) -> None:
        """Record whether the vendor served an app's day or refused it with 400."""
        if served:
            self._served_at[app_id] = min(usage_date, self._served_at.get(app_id, usage_date))
        else:
            self._refusals[usage_date] += 1
            self._refused_at[app_id] = max(usage_date, self._refused_at.get(app_id, usage_date))

    def first_requests(self) -> list[AppDay]:
        """Return a few app-days per date, with different apps every night."""
        chosen = []
        for usage_date, app_ids in self._left.items():
            app_ids.sort(key=lambda app_id: self._order(app_id, usage_date))
            taken, self._left[usage_date] = app_ids[:PROBES_PER_DATE], app_ids[PROBES_PER_DATE:]
            self._probes[usage_date] = len(taken)
            chosen += [(app_id, usage_date) for app_id in sorted(taken)]
        return chosen

    def next_requests(self) -> list[AppDay]:
        """Return the app-days that are worth a request, given the responses so far."""
        chosen = []
        requested_now: set[str] = set()
        for usage_date in sorted(self._left, reverse=True):
            is_refused = self._refusals[usage_date] >= self._probes[usage_date] > 0
            taken = [
                app_id
                for app_id in self._left[usage_date]
                if not is_refused or self._is_worthwhile(app_id, usage_date, requested_now)
            ]
            self._left[usage_date] = [app for app in self._left[usage_date] if app not in set(taken)]
            chosen += [(app_id, usage_date) for app_id in taken]
        return sorted(chosen, key=lambda app_day: (app_day[1], app_day[0]))

    def not_requested(self) -> int:
        """Return the number of app-days that were not worth a request."""
        return sum(map(len, self._left.values()))

    def _is_worthwhile(self, app_id: str, usage_date: date, requested_now: set[str]) -> bool:
        if usage_date >= self._served_at.get(app_id, date.max):
            return True
        if usage_date <= self._refused_at.get(app_id, date.min) or usage_date < self.oldest:
            return False
        is_newest = app_id not in requested_now
        requested_now.add(app_id)
        return is_newest

    def _order(self, app_id: str, usage_date: date) -> tuple[bool, bytes]:
        """Return a sort key that puts recently refused apps last and changes the order each night."""
        is_refused = usage_date <= self._refused_at.get(app_id, date.min)
        return is_refused, sha256(f"{self.today} {usage_date} {app_id}".encode()).digest()
