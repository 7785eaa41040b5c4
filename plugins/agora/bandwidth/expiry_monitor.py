"""Find expected app-days that are about to be lost or were lost, and describe them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from textwrap import shorten
from typing import Any

from agora.bandwidth.window import MARGIN_DAYS
from agora.errors import AgoraError, DaysExpire, DaysLost
from agora.text import format_count
from agora.warehouse.planning_queries import IncompleteDay

MOST_NAMED = 5
REASON_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check, stored for the next check.

    Attributes:
        at: Time of the check, with time zone.
        gone: Usage date in ISO format → number of app-days that left the window without being collected.
            Contains only days that were available at the previous check.
    """

    at: datetime
    gone: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON-compatible values."""
        return {"at": self.at.isoformat(), "gone": {**self.gone}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Check:
        """Restore a check from the return value of `to_json`."""
        return cls(datetime.fromisoformat(values["at"]), dict(values["gone"]))


class Findings:
    """Incomplete app-days, grouped into lost, expiring, waiting and partial days.

    Args:
        days: Incomplete app-days that were inside the window at the last check, oldest first.
        before: The last check.
        days_of_warning: An app-day with at most this many days left is about to expire.
    """

    def __init__(self, days: Sequence[IncompleteDay], before: Check, days_of_warning: int) -> None:
        self._days_of_warning = days_of_warning
        gone = [day for day in days if day.state == "lost"]
        self.gone = Counter(str(day.usage_date) for day in gone)
        self.lost = [
            day for day in gone if self.gone[str(day.usage_date)] > before.gone.get(str(day.usage_date), 0)
        ]
        self.waiting = [day for day in days if day.state not in ("partial", "lost")]
        self.expiring = [day for day in self.waiting if day.days_left <= days_of_warning]
        self.partial = sum(day.state == "partial" and day.days_left >= -MARGIN_DAYS for day in days)

    def problems(self) -> list[AgoraError]:
        """Return the problems that fail the run."""
        found: list[AgoraError] = []
        if self.expiring:
            found.append(DaysExpire(_expire_text(self.expiring, self._days_of_warning)))
        if self.lost:
            found.append(DaysLost(_lost_text(self.lost)))
        return found

    def text(self, apps: int, lost_in_all: int) -> str:
        """Describe the current state in a few lines.

        Args:
            apps: Number of apps in the warehouse.
            lost_in_all: Total number of lost app-days.
        """
        if self.waiting:
            soonest = min(self.waiting, key=lambda day: (day.days_left, day.usage_date))
            lines = [
                f"Oldest missing day: {soonest.usage_date}, {_days(max(0, soonest.days_left))} left."
                f" Missing: {_app_days(self.waiting)}."
            ]
        else:
            lines = [
                f"Every available day of {format_count(apps, 'app')} is collected."
                if apps
                else "No apps are configured."
            ]
        if self.partial:
            lines.append(f"{format_count(self.partial, 'app-day')} partial, requested again every night.")
        if lost_in_all:
            lines.append(f"{format_count(lost_in_all, 'app-day')} lost in total.")
        return "\n".join(lines)


def _expire_text(days: Sequence[IncompleteDay], days_of_warning: int) -> str:
    soonest = min(day.days_left for day in days)
    behind = sum(day.days_left < 0 for day in days)
    never_asked = sum(day.state == "pending" for day in days)
    lines = [
        f"{_app_days(days)} will leave the vendor's window uncollected within {_days(days_of_warning)},"
        f" the first in {_days(max(0, soonest))}.",
        *(
            [
                f"{behind:,} of them have already left the window according to the calendar. Each is still"
                f" requested for {_days(MARGIN_DAYS)}."
            ]
            if behind
            else []
        ),
        f"{never_asked:,} of them were never requested. Check whether agora_bandwidth_daily is paused or"
        " stuck."
        if never_asked
        else "Fix the failures in the note of the last run of agora_bandwidth_daily, then trigger it.",
        *_by_app(days),
    ]
    return "\n".join(lines)


def _lost_text(days: Sequence[IncompleteDay]) -> str:
    return "\n".join(
        [
            f"{_app_days(days)} have left the vendor's window uncollected since the last check and are no"
            " longer available. Find out why no run collected them, so that no more days are lost.",
            *_by_app(days),
        ]
    )


def _by_app(days: Sequence[IncompleteDay]) -> list[str]:
    """List the apps, soonest to expire first, each with its oldest missing day and the reason."""
    first: dict[str, IncompleteDay] = {}
    count: Counter[str] = Counter()
    for day in sorted(days, key=lambda day: (day.days_left, day.usage_date, day.app_id)):
        first.setdefault(day.app_id, day)
        count[day.app_id] += 1
    named = [
        f"- app {_name(day)}, connection {day.conn_id}: {count[app_id]:,} from {day.usage_date} on,"
        f" {shorten(day.reason, REASON_CHARACTERS, placeholder=' …')}"
        for app_id, day in list(first.items())[:MOST_NAMED]
    ]
    if len(first) > MOST_NAMED:
        named.append(f"- and {len(first) - MOST_NAMED:,} more apps, see mart.coverage")
    return named


def _name(day: IncompleteDay) -> str:
    return day.app_id if day.app_name == day.app_id else f"{day.app_id} ({day.app_name})"


def _app_days(days: Sequence[IncompleteDay]) -> str:
    apps = len({day.app_id for day in days})
    oldest, newest = min(day.usage_date for day in days), max(day.usage_date for day in days)
    return f"{format_count(len(days), 'app-day')} of {format_count(apps, 'app')} ({_span(oldest, newest)})"


def _span(oldest: date, newest: date) -> str:
    return f"{oldest}" if oldest == newest else f"{oldest} – {newest}"


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"
