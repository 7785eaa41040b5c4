"""The queries of the planner and the watch: the difference between the expected app-days and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

AppDay = tuple[str, date]


class Found(NamedTuple):
    """App-days to request, no more than the query was asked for.

    Attributes:
        app_days: Pairs of App ID and usage date.
        left: How many more the query found.
    """

    app_days: list[AppDay]
    left: int


# Days that an account of another time zone collected stay as they are: they are other days.
MISSING = """
select wanted.app_id, wanted.usage_date
from core.wanted_app_day as wanted
inner join core.vendor_account as account using (conn_id)
where
    wanted.conn_id = :conn_id
    and wanted.usage_date >= :oldest
    and not wanted.is_complete
    and wanted.state <> 'lost'
    and (
        wanted.points = 0 or wanted.collected_by = wanted.conn_id
        or wanted.starts_at = wanted.usage_date::timestamp at time zone account.timezone
    )
order by wanted.usage_date, wanted.app_id
"""

# A complete day that was requested before it settled is requested again, until a sound response comes later.
RECHECKS = """
select wanted.app_id, wanted.usage_date
from core.wanted_app_day as wanted
inner join core.vendor_account as account using (conn_id)
where
    wanted.conn_id = :conn_id
    and wanted.usage_date between :oldest and :newest
    and wanted.is_complete
    and (
        wanted.points = 0 or wanted.collected_by = wanted.conn_id
        or wanted.starts_at = wanted.usage_date::timestamp at time zone account.timezone
    )
    and wanted.verified_at < wanted.starts_at + make_interval(days => 1 + :settle_days)
order by wanted.usage_date, wanted.app_id
"""

# Days requested by name are looked up whether or not they are expected.
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
from core.known_app as app
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

# For which of some app-days a run has received points since, and which the vendor refused last.
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
    """Return an account's app-days that are expected, not complete and not lost, soonest to expire first.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        oldest: Older usage dates are lost, so they are not read.
        most: How many, at most.
    """
    return _first(connection, MISSING, {"conn_id": conn_id, "oldest": oldest}, most)


def rechecks(
    connection: Connection, conn_id: str, *, oldest: date, newest: date, settle_days: int, most: int
) -> Found:
    """Return the complete app-days to request again, because they were collected before they settled.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        oldest: First usage date to look at.
        newest: Last usage date to look at.
        settle_days: How long after its end the vendor may restate a day.
        most: How many, at most.
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
    """Return the app-days of some apps from one date to another, both included, oldest first.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        from_date: First usage date.
        to_date: Last usage date.
        reload: Also those that are complete.
        most: How many, at most.
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
    """Return the first app-days of a query; those beyond `most` are counted by the database, however many."""
    rows = connection.execute(text(f"{query} limit :most"), {**values, "most": max(0, most)})
    app_days = [(row.app_id, row.usage_date) for row in rows]
    if len(app_days) < most:
        return Found(app_days, 0)
    found = connection.execute(text(f"select count(*) from ({query}) as found"), values).scalar_one()  # noqa: S608 - our own queries
    return Found(app_days, found - len(app_days))


def served(connection: Connection, conn_id: str, *, most: int) -> list[AppDay]:
    """Return each app's newest app-day with points inside the window, the app that was served last first.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        most: How many apps, at most.
    """
    rows = connection.execute(text(SERVED), {"conn_id": conn_id, "most": most})
    return [(row.app_id, row.usage_date) for row in rows]


def results(
    connection: Connection, app_days: Collection[AppDay], since: datetime
) -> tuple[set[AppDay], set[AppDay]]:
    """Return which of some app-days got points since a moment, and which the vendor refused with 400 last.

    Args:
        connection: To the warehouse.
        app_days: Pairs of App ID and usage date.
        since: With time zone.
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
    """Return App ID → oldest usage date with points, of the apps that have any."""
    rows = connection.execute(text(OLDEST_SERVED), {"app_ids": list(app_ids)})
    return {row.app_id: row.usage_date for row in rows}


class Uncollected(NamedTuple):
    """An expected app-day without its 288 points.

    Attributes:
        conn_id: Account that owns the app.
        app_id: The vendor's App ID.
        app_name: For people; the App ID where none was given.
        usage_date: Usage date in the account's time zone.
        state: pending, partial, rejected, failed or lost.
        reason: Why there are not 288 points.
        days_left: Days from the account's today to the last on which the vendor is expected to show the day.
    """

    conn_id: str
    app_id: str
    app_name: str
    usage_date: date
    state: str
    reason: str
    days_left: int


UNCOLLECTED = """
select
    wanted.conn_id, wanted.app_id, wanted.app_name, wanted.usage_date, wanted.state, wanted.reason,
    wanted.expires_on - wanted.today as days_left
from core.wanted_app_day as wanted
inner join core.vendor_account as account using (conn_id)
where
    not wanted.is_complete
    and wanted.expires_on + 2 >= (cast(:since as timestamptz) at time zone account.timezone)::date
order by wanted.usage_date, wanted.app_id
"""


def uncollected(connection: Connection, since: datetime) -> list[Uncollected]:
    """Return the app-days of all accounts that are not complete, oldest first.

    Args:
        connection: To the warehouse.
        since: With time zone. Days that were lost by then are left out.
    """
    return [Uncollected(*row) for row in connection.execute(text(UNCOLLECTED), {"since": since})]


def apps_known(connection: Connection) -> int:
    """Count the apps that were ever configured."""
    return int(connection.execute(text("select count(*) from core.app")).scalar_one())


def lost_in_all(connection: Connection) -> int:
    """Count the lost app-days of all times."""
    query = "select count(*) from core.wanted_app_day where not is_complete and state = 'lost'"
    return int(connection.execute(text(query)).scalar_one())
