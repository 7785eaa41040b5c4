"""Sound responses that a person should look at: sums that fell by half, one body given to several apps."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.text import format_count

MOST_NAMED = 5

DROPS = """
select app_name, usage_date, old_sum_kbps, new_sum_kbps
from mart.restatement
where is_drop and reviewed_at is null
order by restated_at desc, app_name, usage_date
"""

SAME = """
select
    app_day.usage_date,
    array_agg(app.name order by app.name) as app_names
from core.app_day as app_day
inner join core.app as app using (app_key)
where
    app_day.usage_date in (
        select distinct recent.usage_date from core.app_day as recent where recent.collected_at >= :since
    )
    and app_day.top_kbps[1] > 0
group by app_day.usage_date, app_day.body_sha256
having count(*) > 1
order by app_day.usage_date
"""

REVIEW = """
update core.restatement set reviewed_at = mart.clock(), reviewed_by = :reviewer
where reviewed_at is null and restated_at <= :until
"""


class Drop(NamedTuple):
    """A restatement that lowered a day's sum by more than half, and that nobody has reviewed."""

    app_name: str
    usage_date: date
    old_sum_kbps: float
    new_sum_kbps: float


class SameResponse(NamedTuple):
    """Apps that were given the same response body, with traffic in it, for the same day."""

    usage_date: date
    app_names: list[str]


def drops(connection: Connection) -> list[Drop]:
    """Return the restatements to review, the newest first."""
    return [Drop(*row) for row in connection.execute(text(DROPS))]


def same_responses(connection: Connection, since: datetime) -> list[SameResponse]:
    """Return the apps that were given the same response body, of days collected since a moment."""
    return [SameResponse(*row) for row in connection.execute(text(SAME), {"since": since})]


def review(connection: Connection, until: datetime, reviewer: str) -> None:
    """Mark the restatements up to a moment as reviewed, in the caller's transaction."""
    connection.execute(text(REVIEW), {"until": until, "reviewer": reviewer})


def notes(connection: Connection, since: datetime) -> list[str]:
    """Return a sentence on each kind of doubt, none where there is none.

    Args:
        connection: To the warehouse.
        since: With time zone; same responses are of days collected since then.
    """
    found = []
    if fallen := drops(connection):
        named = [
            f"{drop.app_name} on {drop.usage_date} (mean of {drop.new_sum_kbps / 288:,.0f} kbps,"
            f" was {drop.old_sum_kbps / 288:,.0f})"
            for drop in fallen
        ]
        found.append(
            f"The vendor restated {format_count(len(fallen), 'app-day')} to less than half: {_short(named)}."
            " The new figures are stored. Look at them, then mark them as reviewed on the page, Health."
        )
    if same := same_responses(connection, since):
        named = [f"{', '.join(one.app_names)} on {one.usage_date}" for one in same]
        found.append(
            f"The vendor gave several apps the same response body: {_short(named)}. The figures are stored,"
            " and marked in mart.coverage. If the traffic cannot be the same, report it to the vendor."
        )
    return found


def _short(named: list[str]) -> str:
    more = f"; and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
    return "; ".join(named[:MOST_NAMED]) + more
