"""Finds sound but suspicious responses: halved sums, and identical bodies for several apps."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.domain import SLOTS_PER_DAY
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


class UnreviewedDrop(NamedTuple):
    """An unreviewed restatement that lowered a day's sum by more than half."""

    app_name: str
    usage_date: date
    old_sum_kbps: Decimal
    new_sum_kbps: Decimal


class SameResponse(NamedTuple):
    """Apps that received the same response body, with traffic, for the same day."""

    usage_date: date
    app_names: list[str]


def unreviewed_drops(connection: Connection) -> list[UnreviewedDrop]:
    """Return the drops that need a review, newest first."""
    return [UnreviewedDrop(*row) for row in connection.execute(text(DROPS))]


def same_responses(connection: Connection, since: datetime) -> list[SameResponse]:
    """Return apps that received the same response body, for days collected since a given time."""
    return [SameResponse(*row) for row in connection.execute(text(SAME), {"since": since})]


def review(connection: Connection, until: datetime, reviewer: str) -> None:
    """Mark the restatements up to a given time as reviewed, in the caller's transaction."""
    connection.execute(text(REVIEW), {"until": until, "reviewer": reviewer})


def describe(connection: Connection, since: datetime) -> list[str]:
    """Return one note for each kind of suspicious response that was found.

    Args:
        connection: Connection to the warehouse.
        since: Time with a time zone. Identical responses are searched among days collected since then.
    """
    found = []
    if drops := unreviewed_drops(connection):
        named = [
            f"{drop.app_name} on {drop.usage_date} (mean of {drop.new_sum_kbps / SLOTS_PER_DAY:,.0f} kbps,"
            f" was {drop.old_sum_kbps / SLOTS_PER_DAY:,.0f})"
            for drop in drops
        ]
        found.append(
            f"The vendor restated {format_count(len(drops), 'app-day')} to less than half: {_shorten(named)}."
            " The new figures are stored. Review them, then mark them as reviewed on the Health page."
        )
    if same := same_responses(connection, since):
        named = [f"{', '.join(one.app_names)} on {one.usage_date}" for one in same]
        found.append(
            f"The vendor returned the same response body for several apps: {_shorten(named)}. The figures"
            " are stored and marked in mart.coverage. If the traffic cannot be identical, inform the vendor."
        )
    return found


def _shorten(named: list[str]) -> str:
    more = f"; and {len(named) - MOST_NAMED:,} more" if len(named) > MOST_NAMED else ""
    return "; ".join(named[:MOST_NAMED]) + more
