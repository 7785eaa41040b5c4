"""The rules that every night is checked against, in plain Python. It uses none of the product's code.

1. An app is expected to have every day from the oldest one that its account served in any run since the app
   was first configured, or configured again after its removal. collect_from and collect_until limit the days.
   A removed app keeps the days before its removal.
2. The newest sound response counts if it contradicts a stored point or has more points. One that only lacks
   points changes nothing. An older response never replaces a newer one. Every response is counted.
3. Every change of stored points leaves a restatement. A sum that falls by more than half is a drop.
4. A day without a sound response is lost once it is expected and two days past its last day in the window.
5. A day that is neither expected nor has points is not reported.
6. A day keeps the time zone of the account that delivered its points.
7. A month is final if it is over, every expected point is stored, and every calendar day is expected, apart
   from days that the configuration leaves out.
8. Every expected day that is not complete and may be available is requested in every run, unless the run's
   own responses show that the request is useless. So is every complete day that has settled since.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

SLOTS = 288
MARGIN_DAYS = 2
PROBES = 3  # this number of 400s for one date shows that the date is not worth further requests
REFUSALS_OF_AN_APP = 3
REFUSED_APPS = 5  # this number of refused apps shows that the credentials are wrong
PATIENCE_NIGHTS = 6  # an available day may be skipped in fewer healthy nights than this
DAY = timedelta(days=1)

Points = tuple[float | None, ...]


@cache
def oldest_shown(window: str, today: date) -> date:
    """Return the oldest day in the window: "1 month" or "N days" back."""
    if window != "1 month":
        return today - int(window.split()[0]) * DAY
    last = today.replace(day=1) - DAY
    return last.replace(day=min(today.day, calendar.monthrange(last.year, last.month)[1]))


@cache
def last_shown_on(window: str, usage_date: date) -> date:
    """Return the last date on which a day is in the window."""
    today = usage_date
    while oldest_shown(window, today + DAY) <= usage_date:
        today += DAY
    return today


def is_over(window: str, usage_date: date, today: date) -> bool:
    """Return whether a day is out of the window, margin included."""
    return last_shown_on(window, usage_date) + MARGIN_DAYS * DAY < today


def midnight(usage_date: date, zone: str) -> datetime:
    """Return the start of a day."""
    return datetime.combine(usage_date, time(), ZoneInfo(zone))


@dataclass
class Expectation:
    """The days that one app is expected to have (rule 1)."""

    horizon: date  # later than the end of any scenario
    days: set[date] = field(default_factory=set)
    since: date | None = None  # None while the app is not configured
    collect_from: date = date.min
    collect_until: date = date.max

    def configure(self, oldest: date, collect_from: date | None, collect_until: date | None) -> None:
        """Record that a run found the app configured, when its account served days from `oldest` on."""
        self.since = oldest if self.since is None else min(self.since, oldest)
        self.collect_from, self.collect_until = collect_from or date.min, collect_until or date.max
        earlier = {day for day in self.days if day < self.since}
        later = {self.since + n * DAY for n in range((self.horizon - self.since).days)}
        self.days = {day for day in earlier | later if self.is_configured(day)}

    def leave(self, today: date) -> None:
        """Record that a run found the app removed."""
        if self.since is not None:
            self.days = {day for day in self.days if day < today}
            self.since = None

    def is_configured(self, day: date) -> bool:
        """Return whether collect_from and collect_until include a day."""
        return self.collect_from <= day <= self.collect_until


@dataclass(frozen=True)
class Response:
    """The outcome of one request for an app-day. `points` is None unless the response was sound."""

    app_id: str
    usage_date: date
    at: datetime
    conn_id: str
    zone: str
    status: int | None
    points: Points | None = None
    body: bytes = b""

    @property
    def key(self) -> tuple[str, date]:
        """The app-day."""
        return self.app_id, self.usage_date

    @property
    def is_stored_raw(self) -> bool:
        """Whether the response is a success, sound or not."""
        return self.status is not None and self.status < 300


@dataclass(frozen=True)
class Restatement:
    """One change of stored points (rule 3)."""

    app_id: str
    usage_date: date
    changed: int
    added: int
    old_sum: float
    new_sum: float
    is_drop: bool


def wins(newer: Points, older: Points) -> bool:
    """Return whether newer points replace older ones (rule 2)."""
    contradicts = any(
        new is not None and old is not None and new != old for new, old in zip(newer, older, strict=True)
    )
    return contradicts or counted(newer) > counted(older)


def counted(points: Points | None) -> int:
    """Count the points that are present."""
    return 0 if points is None else SLOTS - points.count(None)


@dataclass
class Day:
    """The stored state of one app-day (rules 2, 3 and 6)."""

    attempts: int = 0
    state: str = "pending"
    source: Response | None = None  # of the points
    starts_at: datetime | None = None
    verified_at: datetime | None = None
    conn_id: str = ""  # of the last response that determined the day's state

    @property
    def points(self) -> Points | None:
        """The stored points."""
        return self.source.points if self.source else None

    def record(self, response: Response) -> Restatement | None:
        """Record a response, which may be older than responses recorded before."""
        self.attempts += 1
        if response.points is None:
            if self.source is None:
                self.state = "rejected" if response.is_stored_raw else "failed"
                self.conn_id = response.conn_id
                self.starts_at = midnight(response.usage_date, response.zone)
            return None
        newest = self.verified_at is None or response.at > self.verified_at
        restated = None
        if self.points is None or (newest and wins(response.points, self.points)):
            restated = self.store(response, midnight(response.usage_date, response.zone))
            self.conn_id = response.conn_id
        self.verified_at = max(self.verified_at or response.at, response.at)
        return restated

    def replay(
        self, responses: Sequence[Response], conn_id: str, zone: str, *, correct: bool
    ) -> Restatement | None:
        """Decode the stored responses again, in the order of their arrival.

        Args:
            responses: The successes of this day, sound or not, at least one.
            conn_id: The day's account.
            zone: That account's time zone today.
            correct: Move the day to its midnight in that zone.
        """
        best = responses[0]
        for response in responses[1:]:
            if best.points is None or (response.points is not None and wins(response.points, best.points)):
                best = response
        if best.points is None and self.attempts:
            return None
        starts_at = self.starts_at if self.starts_at and not correct else midnight(best.usage_date, zone)
        self.attempts, self.conn_id = self.attempts or 1, self.conn_id or conn_id
        if best.points is None:
            self.state, self.starts_at = "rejected", starts_at
            return None
        if self.source and (self.points, self.source.body, self.starts_at) == (
            best.points,
            best.body,
            starts_at,
        ):
            return None
        self.verified_at = max(self.verified_at or best.at, best.at)
        return self.store(best, starts_at)

    def store(self, response: Response, starts_at: datetime) -> Restatement | None:
        """Store a response's points; return the change of the previous points, if any."""
        old, old_start, new = self.points, self.starts_at, response.points
        assert new is not None
        self.source, self.starts_at = response, starts_at
        self.state = "collected" if counted(new) == SLOTS else "partial"
        if old is None:
            return None
        pairs = list(zip(old, new, strict=True))
        changed = sum(a is not None and (a != b or old_start != starts_at) for a, b in pairs)
        added = sum(a is None and b is not None for a, b in pairs)
        if not changed + added:
            return None
        sums = total(old), total(new)
        return Restatement(*response.key, changed, added, *sums, is_drop=sums[1] < sums[0] / 2)


def total(points: Iterable[float | None]) -> float:
    """Add up the points that are present."""
    return sum(point for point in points if point is not None)


def month_status(
    month: date, today: date, points: dict[date, int], left_out: Iterable[date]
) -> tuple[str, int, int]:
    """Return the status of an app's month, its points and its expected points (rule 7).

    Args:
        month: First day of the month.
        today: Current date in the account's time zone.
        points: Number of points for each day before today that is expected or has points.
        left_out: Days that the configuration excludes.
    """
    days = [month + n * DAY for n in range(calendar.monthrange(month.year, month.month)[1])]
    observed, expected = sum(points.values()), SLOTS * len(points)
    if today <= days[-1]:
        status = "running"
    elif observed < expected:
        status = "incomplete"
    elif {*days} <= {*points, *left_out}:
        status = "final"
    else:
        status = "part of the month"
    return status, observed, expected


def shows_useless(key: tuple[str, date], sent: Sequence[Response], concurrency: int) -> bool:
    """Return whether a run's responses show that requesting an app-day would be useless (rule 8)."""
    app_id, usage_date = key
    no_day = sum(one.status == 400 and one.usage_date == usage_date for one in sent)
    no_app = sum(one.status in (401, 403, 404) and one.app_id == app_id for one in sent)
    is_throttled = any(one.status == 429 and one.app_id == app_id for one in sent)
    silent = [one.app_id for one in sent if one.status is None]
    is_silent = len(silent) >= 2 * concurrency and app_id in silent
    return no_day >= PROBES or no_app >= REFUSALS_OF_AN_APP or is_throttled or is_silent
