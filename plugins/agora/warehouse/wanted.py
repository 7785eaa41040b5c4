"""What the planner reads: the difference between the app-days wanted and the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text


class WantedAppDay(NamedTuple):
    """A wanted app-day to be asked for."""

    app_id: str
    usage_date: date
    state: str


class ToAsk(NamedTuple):
    """App-days to ask for, no more than were wanted of the query, and how many more it found."""

    app_days: list[WantedAppDay]
    left: int


# A partial day is asked again only while the vendor is expected to show it; it is never lost.
MISSING = """
select app_id, usage_date, state
from core.wanted_app_day
where
    conn_id = :conn_id
    and app_id = any(:app_ids)
    and state in ('pending', 'failed', 'rejected', 'partial')
    and (state <> 'partial' or expires_on >= today)
    and usage_date > :after
order by usage_date, app_id
"""

# Days asked for by name are looked at whatever is configured or lost.
NAMED = """
select app.app_id, day.usage_date::date, coalesce(app_day.state, 'pending') as state
from core.app as app
cross join generate_series(
    cast(:from_date as timestamp), cast(:to_date as timestamp), '1 day'
) as day (usage_date)
left join core.app_day as app_day
    on app_day.app_key = app.app_key and app_day.usage_date = day.usage_date::date
where
    app.conn_id = :conn_id
    and app.app_id = any(:app_ids)
    and (:reload or coalesce(app_day.state, 'pending') <> 'collected')
    and (app.kept_since is null or day.usage_date >= app.kept_since)
order by day.usage_date, app.app_id
"""


def first(connection: Connection, query: str, values: Mapping[str, Any], most: int) -> ToAsk:
    """Return the first app-days of a query; what is left is counted where it is, however much.

    Args:
        connection: To the warehouse.
        query: Its columns are those of WantedAppDay.
        values: Its parameters.
        most: How many, at most.
    """
    rows = connection.execute(text(f"{query} limit :most"), {**values, "most": most})
    app_days = [WantedAppDay(*row) for row in rows]
    if len(app_days) < most:
        return ToAsk(app_days, 0)
    found = connection.execute(text(f"select count(*) from ({query}) as found"), values).scalar_one()  # noqa: S608 - our own queries
    return ToAsk(app_days, found - most)


def missing(connection: Connection, conn_id: str, app_ids: Sequence[str], *, after: date, most: int) -> ToAsk:
    """Return the wanted app-days of some apps that are not complete, soonest to expire first.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        after: Only younger usage dates.
        most: How many, at most.
    """
    values = {"conn_id": conn_id, "app_ids": list(app_ids), "after": after}
    return first(connection, MISSING, values, most)


def of_days(
    connection: Connection,
    conn_id: str,
    *,
    app_ids: Sequence[str],
    from_date: date,
    to_date: date,
    reload: bool,
    most: int,
) -> ToAsk:
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
    return first(connection, NAMED, values, most)


def zones_of(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> dict[str, str]:
    """Return App ID → time zone of the apps that want a usage date.

    Args:
        connection: To the warehouse.
        usage_date: The day.
        app_ids: Only these apps; empty for all.
    """
    rows = connection.execute(
        text(
            "select wanted.app_id, account.timezone from core.wanted_app_day as wanted"
            " inner join core.vendor_account as account using (conn_id)"
            " where wanted.usage_date = :usage_date and (:every or wanted.app_id = any(:app_ids))"
            " order by wanted.app_id"
        ),
        {"usage_date": usage_date, "every": not app_ids, "app_ids": list(app_ids)},
    )
    return {row.app_id: row.timezone for row in rows}


def latest_first(connection: Connection, app_ids: Sequence[str]) -> list[str]:
    """Return some apps in another order: those first whose newest day with points was collected last."""
    rows = connection.execute(
        text(
            "select app.app_id from core.app as app"
            " left join lateral ("
            "select app_day.collected_at from core.app_day as app_day"
            " where app_day.app_key = app.app_key and app_day.points > 0"
            " order by app_day.usage_date desc limit 1"
            ") as newest on true"
            " where app.app_id = any(:app_ids)"
            " order by newest.collected_at desc nulls last, app.app_id"
        ),
        {"app_ids": list(app_ids)},
    )
    return list(rows.scalars())


def not_collected_since(
    connection: Connection, app_days: Sequence[tuple[str, date]], since: datetime
) -> list[tuple[str, date]]:
    """Leave out the app-days that have been collected since a moment, by another run or an earlier try.

    Args:
        connection: To the warehouse.
        app_days: What was planned.
        since: When it was, with time zone.
    """
    collected = connection.execute(
        text(
            "select app.app_id, app_day.usage_date from core.app_day as app_day"
            " inner join core.app as app using (app_key)"
            " where app_day.state = 'collected' and app_day.collected_at >= :since"
            " and app.app_id = any(:app_ids) and app_day.usage_date = any(cast(:usage_dates as date []))"
        ),
        {
            "since": since,
            "app_ids": list({app_id for app_id, _ in app_days}),
            "usage_dates": list({usage_date for _, usage_date in app_days}),
        },
    )
    done = {tuple(row) for row in collected}
    return [app_day for app_day in app_days if app_day not in done]
