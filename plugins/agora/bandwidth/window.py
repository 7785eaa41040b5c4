"""The vendor's window, and which requests find its edge with few of them wasted."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

AppDay = tuple[str, date]

MARGIN_DAYS = 2  # a day is requested for so long after it should have left the window
EDGE_DAYS = 3  # the window's oldest days, which may be refused without anything being wrong
PROBES_PER_DATE = 3


def oldest_day(window: str, today: date) -> date:
    """Return the oldest day that a window of "1 month" or "N days" is expected to show.

    A month ago is the same day of the month before, or that month's last day where it is shorter.
    """
    if window != "1 month":
        return today - timedelta(days=int(window.split()[0]))
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def oldest_requested(window: str, today: date) -> date:
    """Return the oldest day that is still requested: the oldest that the window showed some days ago.

    The days before a month's end can leave a window of a month all at once, so days are not counted here.
    """
    return oldest_day(window, today - timedelta(days=MARGIN_DAYS))


def edge_end(window: str, today: date) -> date:
    """Return the oldest day for which a 400 is a failure."""
    return oldest_day(window, today) + timedelta(days=EDGE_DAYS)


@dataclass
class Edge:
    """What the responses of one batch say about the window's edge. It saves requests and decides nothing.

    The first app-days of each date are requested. If the vendor refuses them all, the date's other app-days
    are requested only of apps whose own responses do not show that it is useless. A window has no holes: an
    app that was refused a day is refused older ones, an app that was served a day is served younger ones. An
    app of which neither is known is requested its newest day, unless the calendar says that it is over.

    Attributes:
        app_days: What to request, soonest to expire first.
        oldest: The oldest day that the window is expected to show.
        today: Varies from night to night which apps are requested first.
        refused_before: App-days that the vendor refused last time.
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
        """Note that the vendor served a day of an app, or refused it with 400."""
        if served:
            self._served_at[app_id] = min(usage_date, self._served_at.get(app_id, usage_date))
        else:
            self._refusals[usage_date] += 1
            self._refused_at[app_id] = max(usage_date, self._refused_at.get(app_id, usage_date))

    def first_requests(self) -> list[AppDay]:
        """Take the first app-days of each date, other apps every night."""
        chosen = []
        for usage_date, app_ids in self._left.items():
            app_ids.sort(key=lambda app_id: self._turn(app_id, usage_date))
            taken, self._left[usage_date] = app_ids[:PROBES_PER_DATE], app_ids[PROBES_PER_DATE:]
            self._probes[usage_date] = len(taken)
            chosen += [(app_id, usage_date) for app_id in sorted(taken)]
        return chosen

    def next_requests(self) -> list[AppDay]:
        """Take what the responses so far show to be worth a request; empty where nothing is any more."""
        chosen = []
        asking: set[str] = set()
        for usage_date in sorted(self._left, reverse=True):
            is_refused = self._refusals[usage_date] >= self._probes[usage_date] > 0
            taken = [
                app_id
                for app_id in self._left[usage_date]
                if not is_refused or self._is_worthwhile(app_id, usage_date, asking)
            ]
            self._left[usage_date] = [app for app in self._left[usage_date] if app not in set(taken)]
            chosen += [(app_id, usage_date) for app_id in taken]
        return sorted(chosen, key=lambda app_day: (app_day[1], app_day[0]))

    def not_requested(self) -> int:
        """Count the app-days that were not worth a request."""
        return sum(map(len, self._left.values()))

    def _is_worthwhile(self, app_id: str, usage_date: date, asking: set[str]) -> bool:
        if usage_date >= self._served_at.get(app_id, date.max):
            return True
        if usage_date <= self._refused_at.get(app_id, date.min) or usage_date < self.oldest:
            return False
        is_newest = app_id not in asking
        asking.add(app_id)
        return is_newest

    def _turn(self, app_id: str, usage_date: date) -> tuple[bool, bytes]:
        """Sort apps that were refused the day before behind the others, and each night differently."""
        is_refused = usage_date <= self._refused_at.get(app_id, date.min)
        return is_refused, sha256(f"{self.today} {usage_date} {app_id}".encode()).digest()
