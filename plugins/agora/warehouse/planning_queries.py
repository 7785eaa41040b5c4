"""Queries for the planner and agora_bandwidth_watch, such as the app-days that are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from agora.domain import AppDay


class Found(NamedTuple):
    """The first app-days that a query found.

    Attributes:
        app_days: The app-days, up to the caller's limit.
        left: Number of app-days beyond the limit.
    """

    app_days: list[AppDay]
    left: int


# An account does not request a day that an account in another time zone collected, because the hours of the
# two days differ.
OF_ACCOUNT = """
select app_day.app_id, app_day.usage_date
from core.app_day_state as app_day
inner join core.vendor_account as account using (conn_id)
where
    app_day.conn_id = :conn_id
    and (
        app_day.points = 0 or app_day.collected_by = app_day.conn_id
        or app_day.starts_at = app_day.usage_date::timestamp at time zone account.timezone
    )
    and {condition}
order by app_day.usage_date, app_day.app_id
"""

MISSING = OF_ACCOUNT.format(
    condition="app_day.usage_date >= :oldest and not app_day.is_complete and app_day.state <> 'lost'"
)

# A complete day is requested again until a sound response arrives after the day has settled.
RECHECKS = OF_ACCOUNT.format(
    condition="app_day.usage_date between :oldest and :newest and app_day.is_complete"
    " and app_day.verified_at < app_day.starts_at + make_interval(days => 1 + :settle_days)"
)

# Manually requested days need not be expected.
NAMED = """
select app.app_id, day.usage_date::date as usage_date
from core.app as app
cross join generate_series(
    cast(:from_date as timestamp), cast(:to_date as timestamp), '1 day'
) as day (usage_date)
left join core.app_day as app_day
    on app_day.app_key = app.app_key and app_day.usage_date = day.usage_date::date
where
    app.conn_id = :conn_id
    and app.app_id = any(:app_ids)
    and (:reload or app_day.state is distinct from 'collected')
    and (app.kept_since is null or day.usage_date >= app.kept_since)
order by day.usage_date, app.app_id
"""

SERVED = """
select app.app_id, newest.usage_date
from core.app_calendar as app
cross join lateral (
    select app_day.usage_date, app_day.verified_at
    from core.app_day as app_day
    where
        app_day.app_key = app.app_key
        and app_day.usage_date > app.today - app.window_length
        and app_day.points > 0
        and app_day.conn_id = app.conn_id
    order by app_day.usage_date desc
    limit 1
) as newest
where app.conn_id = :conn_id
order by newest.verified_at desc, app.app_id
limit :most
"""

RESULTS = """
select
    app.app_id, app_day.usage_date,
    app_day.points > 0 and app_day.verified_at >= :since as is_done,
    app_day.state = 'failed' and app_day.http_status = 400 as is_refused
from core.app as app
inner join core.app_day as app_day using (app_key)
where app.app_id = any(:app_ids) and app_day.usage_date = any(cast(:usage_dates as date []))
"""

OLDEST_SERVED = """
select app.app_id, min(app_day.usage_date) as usage_date
from core.app as app
inner join core.app_day as app_day using (app_key)
where app.app_id = any(:app_ids) and app_day.points > 0
group by app.app_id
"""


def missing(connection: Connection, conn_id: str, *, oldest: date, most: int) -> Found:
    """Return an account's expected app-days that are neither complete nor lost, soonest to expire first.

    Args:
        connection: Connection to the warehouse.
        conn_id: The account.
        oldest: First usage date to read. All older dates are lost.
        most: Maximum number of app-days.
    """
    return _first(connection, MISSING, {"conn_id": conn_id, "oldest": oldest}, most)


def rechecks(
    connection: Connection, conn_id: str, *, oldest: date, newest: date, settle_days: int, most: int
) -> Found:
    """Return the complete app-days to request again because they were collected before they settled.

    Args:
        connection: Connection to the warehouse.
        conn_id: The account.
        oldest: First usage date.
        newest: Last usage date.
        settle_days: Number of days after the end of a usage date during which the vendor may restate it.
        most: Maximum number of app-days.
    """
    values = {"conn_id": conn_id, "oldest": oldest, "newest": newest, "settle_days": settle_days}
    return _first(connection, RECHECKS, values, most)


def named(
    connection: Connection,
    conn_id: str,
    *,
    app_ids: Sequence[str],
    from_date: date,
    to_date: date,
    reload: bool,
    most: int,
) -> Found:
    """Return the given apps' app-days from one date to another, inclusive, oldest first.

    Args:
        connection: Connection to the warehouse.
        conn_id: The account.
        app_ids: Apps of the account that the warehouse knows.
        from_date: First usage date.
        to_date: Last usage date.
        reload: Whether to include complete app-days.
        most: Maximum number of app-days.
    """
    values = {
        "conn_id": conn_id,
        "app_ids": list(app_ids),
        "from_date": from_date,
        "to_date": to_date,
        "reload": reload,
    }
    return _first(connection, NAMED, values, most)


def _first(connection: Connection, query: str, values: Mapping[str, Any], most: int) -> Found:
    """Return the first `most` app-days of a query, and let the database count the others."""
    rows = connection.execute(text(f"{query} limit :most"), {**values, "most": max(0, most)})
    app_days = [(row.app_id, row.usage_date) for row in rows]
    if len(app_days) < most:
        return Found(app_days, 0)
    found = connection.execute(text(f"select count(*) from ({query}) as found"), values).scalar_one()  # noqa: S608 - this file's queries
    return Found(app_days, found - len(app_days))


def served(connection: Connection, conn_id: str, *, most: int) -> list[AppDay]:
    """Return each app's newest app-day in the window that has points, most recently served app first.

    Args:
        connection: Connection to the warehouse.
        conn_id: The account.
        most: Maximum number of apps.
    """
    rows = connection.execute(text(SERVED), {"conn_id": conn_id, "most": most})
    return [(row.app_id, row.usage_date) for row in rows]


def results(
    connection: Connection, app_days: Collection[AppDay], since: datetime
) -> tuple[set[AppDay], set[AppDay]]:
    """Return the app-days that received points since a given time, and those whose last response was a 400.

    Args:
        connection: Connection to the warehouse.
        app_days: The app-days of a batch.
        since: The time, with a time zone.
    """
    rows = connection.execute(
        text(RESULTS),
        {
            "since": since,
            "app_ids": list({app_id for app_id, _ in app_days}),
            "usage_dates": list({usage_date for _, usage_date in app_days}),
        },
    ).all()
    return (
        {(row.app_id, row.usage_date) for row in rows if row.is_done},
        {(row.app_id, row.usage_date) for row in rows if row.is_refused},
    )


def oldest_served(connection: Connection, app_ids: Collection[str]) -> dict[str, date]:
    """Return each app's oldest usage date with points, by App ID. Apps without points are left out."""
    rows = connection.execute(text(OLDEST_SERVED), {"app_ids": list(app_ids)})
    return {row.app_id: row.usage_date for row in rows}


class IncompleteDay(NamedTuple):
    """An expected app-day with fewer than 288 points.

    Attributes:
        conn_id: Account that owns the app.
        app_id: The vendor's App ID.
        app_name: Display name; the App ID if no name is configured.
        usage_date: Usage date in the account's time zone.
        state: pending, partial, rejected, failed or lost.
        reason: Why points are missing.
        days_left: Days until the last day on which the vendor is expected to serve the usage date.
    """

    conn_id: str
    app_id: str
    app_name: str
    usage_date: date
    state: str
    reason: str
    days_left: int


INCOMPLETE = """
select
    app_day.conn_id, app_day.app_id, app_day.app_name, app_day.usage_date, app_day.state, app_day.reason,
    app_day.expires_on - app_day.today as days_left
from core.app_day_state as app_day
inner join core.vendor_account as account using (conn_id)
where
    not app_day.is_complete
    and app_day.lost_on > (cast(:since as timestamptz) at time zone account.timezone)::date
order by app_day.usage_date, app_day.app_id
"""


def incomplete_days(connection: Connection, since: datetime) -> list[IncompleteDay]:
    """Return all accounts' incomplete app-days that were still available at a given time, oldest first.

    Args:
        connection: Connection to the warehouse.
        since: The time, with a time zone.
    """
    return [IncompleteDay(*row) for row in connection.execute(text(INCOMPLETE), {"since": since})]


def count_apps(connection: Connection) -> int:
    """Count all apps that were ever configured."""
    return int(connection.execute(text("select count(*) from core.app")).scalar_one())


def count_lost_days(connection: Connection) -> int:
    """Count all lost app-days, however old."""
    query = "select count(*) from core.app_day_state where not is_complete and state = 'lost'"
    return int(connection.execute(text(query)).scalar_one())
