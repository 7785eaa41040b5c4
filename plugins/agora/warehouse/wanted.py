"""What the planner reads: the difference between the app-days wanted and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class WantedAppDay(NamedTuple):
    """A wanted app-day to be asked for."""

    app_id: str
    usage_date: date
    state: str


# A partial day is asked again only while the vendor is expected to show it; it is never lost.
MISSING = """
select app_id, usage_date, state
from core.wanted_app_day
where
    conn_id = :conn_id
    and app_id = any(:app_ids)
    and state in ('pending', 'failed', 'rejected', 'partial')
    and (state <> 'partial' or expires_on >= today)
order by usage_date, app_id
"""

# A day is settled when some days have passed since it ended. One collected before that is asked once more
# after it; any answer since tells that it was.
SETTLED = """
select wanted.app_id, wanted.usage_date, wanted.state
from core.wanted_app_day as wanted
cross join lateral (
    select wanted.starts_at + make_interval(days => 1 + :settle_days) as settled_at
) as day
where
    wanted.conn_id = :conn_id
    and wanted.app_id = any(:app_ids)
    and wanted.state = 'collected'
    and wanted.usage_date >= :since
    and wanted.usage_date < wanted.today - :settle_days
    and not exists (
        select from raw.bandwidth_response as answer
        where
            answer.app_id = wanted.app_id
            and answer.usage_date = wanted.usage_date
            and answer.http_status between 200 and 299
            and answer.fetched_at >= day.settled_at
    )
order by wanted.usage_date, wanted.app_id
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
order by day.usage_date, app.app_id
"""


def missing(connection: Connection, conn_id: str, app_ids: Sequence[str]) -> list[WantedAppDay]:
    """Return every wanted app-day of some apps that is not complete, soonest to expire first."""
    rows = connection.execute(text(MISSING), {"conn_id": conn_id, "app_ids": list(app_ids)})
    return [WantedAppDay(*row) for row in rows]


def settled(
    connection: Connection, conn_id: str, *, app_ids: Sequence[str], since: date, settle_days: int
) -> list[WantedAppDay]:
    """Return the complete app-days to be asked once more, because they were collected before they settled.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        since: Oldest usage date to look at.
        settle_days: How long after its end a day may still be restated; 0 asks for none.
    """
    if not settle_days:
        return []
    rows = connection.execute(
        text(SETTLED),
        {"conn_id": conn_id, "app_ids": list(app_ids), "since": since, "settle_days": settle_days},
    )
    return [WantedAppDay(*row) for row in rows]


def of_days(
    connection: Connection,
    conn_id: str,
    *,
    app_ids: Sequence[str],
    from_date: date,
    to_date: date,
    reload: bool,
) -> list[WantedAppDay]:
    """Return the app-days of some apps from one date to another, both included, oldest first.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        from_date: First usage date.
        to_date: Last usage date.
        reload: Also those that are complete.
    """
    rows = connection.execute(
        text(NAMED),
        {
            "conn_id": conn_id,
            "app_ids": list(app_ids),
            "from_date": from_date,
            "to_date": to_date,
            "reload": reload,
        },
    )
    return [WantedAppDay(*row) for row in rows]


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


class Landed(NamedTuple):
    """What a run's app-days have come to.

    Attributes:
        states: How many are in which state now.
        changed: How many got points since the run began.
        points: How many points those have.
    """

    states: dict[str, int]
    changed: int
    points: int


def landed(connection: Connection, app_days: Sequence[tuple[str, date]], since: datetime) -> Landed:
    """Look up what app-days have come to, whoever loaded them and in however many tries.

    Args:
        connection: To the warehouse.
        app_days: What a run asked for.
        since: When the run began, with time zone.
    """
    rows = connection.execute(
        text(
            "select coalesce(app_day.state, 'pending') as state, count(*),"
            " count(*) filter (where app_day.collected_at >= :since),"
            " coalesce(sum(app_day.points) filter (where app_day.collected_at >= :since), 0)"
            " from unnest(cast(:app_ids as text []), cast(:usage_dates as date []))"
            " as asked (app_id, usage_date)"
            " inner join core.app as app on app.app_id = asked.app_id"
            " left join core.app_day as app_day"
            " on app_day.app_key = app.app_key and app_day.usage_date = asked.usage_date"
            " group by 1"
        ),
        {
            "since": since,
            "app_ids": [app_id for app_id, _ in app_days],
            "usage_dates": [usage_date for _, usage_date in app_days],
        },
    ).all()
    return Landed(
        {state: count for state, count, _, _ in rows},
        sum(changed for _, _, changed, _ in rows),
        sum(points for _, _, _, points in rows),
    )


def latest_first(connection: Connection, app_ids: Sequence[str]) -> list[str]:
    """Return some apps in another order: those first that the vendor answered for most lately."""
    rows = connection.execute(
        text(
            "select app.app_id from core.app as app left join core.app_day as app_day using (app_key)"
            " where app.app_id = any(:app_ids)"
            " group by app.app_id order by max(app_day.collected_at) desc nulls last, app.app_id"
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
