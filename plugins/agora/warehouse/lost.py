"""App-days that can no longer be had: entered as lost, each with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, text

MARK = """
insert into core.app_day as held (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason
)
select
    app.app_key, day.usage_date, day.usage_date::timestamp at time zone account.timezone, 'lost', 0, 0,
    :http_status, :reason
from core.app as app
inner join core.vendor_account as account using (conn_id)
inner join unnest(cast(:app_ids as text []), cast(:usage_dates as date [])) as day (app_id, usage_date)
    using (app_id)
order by app.app_key, day.usage_date
on conflict (app_key, usage_date) do update set
    state = excluded.state,
    reason = case
        when held.reason = '' then excluded.reason else excluded.reason || '; before that: ' || held.reason
    end
where held.kbps is null and held.state <> 'lost'
"""

# Removed from the configuration, and the vendor does not know it any more either.
UNKNOWN = """
select wanted.app_id, wanted.usage_date, app.removed_on
from core.wanted_app_day as wanted
inner join core.app as app using (app_key)
where
    app.conn_id = :conn_id
    and app.removed_on is not null
    and wanted.state in ('pending', 'failed', 'rejected')
    and exists (
        select from core.app_day as refused
        where refused.app_key = app.app_key and refused.state = 'failed' and refused.http_status = 404
    )
"""

# Of an account that left the configuration, and the vendor is not expected to show them any longer.
EXPIRED = """
select wanted.app_id, wanted.usage_date, app.conn_id, app.removed_on
from core.wanted_app_day as wanted
inner join core.app as app using (app_key)
where
    app.removed_on is not null
    and not (app.conn_id = any(:conn_ids))
    and wanted.state in ('pending', 'failed', 'rejected')
    and wanted.expires_on < wanted.today
"""


def mark(
    connection: Connection, app_days: Iterable[tuple[str, date]], reason: str, *, http_status: int | None
) -> int:
    """Enter app-days as lost; whatever has points keeps them.

    Args:
        connection: To the warehouse, in the caller's transaction.
        app_days: Pairs of App ID and usage date.
        reason: Why they cannot be had, for people.
        http_status: What the vendor answered, None where nobody asked.

    Returns:
        How many app-days became lost by this.
    """
    days = list(app_days)
    return connection.execute(
        text(MARK),
        {
            "reason": reason,
            "http_status": http_status,
            "app_ids": [app_id for app_id, _ in days],
            "usage_dates": [usage_date for _, usage_date in days],
        },
    ).rowcount


def mark_unknown(connection: Connection, conn_id: str) -> int:
    """Enter the open days of an account's removed apps that the vendor answers with 404."""
    days: defaultdict[date, list[tuple[str, date]]] = defaultdict(list)
    for app_id, usage_date, removed_on in connection.execute(text(UNKNOWN), {"conn_id": conn_id}):
        days[removed_on].append((app_id, usage_date))
    return sum(
        mark(
            connection,
            of_these,
            f"the app left the configuration on {removed_on} and the vendor no longer knows it (HTTP 404)",
            http_status=404,
        )
        for removed_on, of_these in days.items()
    )


def mark_expired(connection: Connection, conn_ids: Sequence[str]) -> int:
    """Enter the open days of accounts other than the configured ones, once the window has passed them."""
    days: defaultdict[tuple[str, date], list[tuple[str, date]]] = defaultdict(list)
    for app_id, usage_date, conn_id, removed_on in connection.execute(
        text(EXPIRED), {"conn_ids": list(conn_ids)}
    ):
        days[conn_id, removed_on].append((app_id, usage_date))
    return sum(
        mark(
            connection,
            of_these,
            f"the connection {conn_id} left the configuration on {removed_on}, so nobody asked before the"
            " vendor's window had passed",
            http_status=None,
        )
        for (conn_id, removed_on), of_these in days.items()
    )
