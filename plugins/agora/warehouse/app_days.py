"""Stored app-days: lock and read the rows of a usage date, and count app-days by state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.domain import AppDay

STORED = """
select
    app_day.app_id, app_day.starts_at, app_day.kbps, app_day.body_sha256, app_day.collected_at,
    app_day.http_status, account.timezone
from core.app_day_state as app_day
inner join core.vendor_account as account
    on coalesce(app_day.collected_by, app_day.conn_id) = account.conn_id
where app_day.usage_date = :usage_date and (:every or app_day.app_id = any(:app_ids))
order by app_day.app_id
"""

STATES = """
select found.state, count(*) as app_days, count(*) filter (where found.collected_at >= :since) as changed
from unnest(cast(:app_ids as text []), cast(:usage_dates as date [])) as requested (app_id, usage_date)
inner join core.app as app using (app_id)
cross join lateral (
    select
        coalesce(min(app_day.state), 'pending') as state,
        min(app_day.collected_at) filter (where app_day.points > 0) as collected_at
    from core.app_day as app_day
    where app_day.app_key = app.app_key and app_day.usage_date = requested.usage_date
) as found
group by found.state
"""


class StoredDay(NamedTuple):
    """The stored row of an expected app-day.

    Attributes:
        app_id: The vendor's App ID.
        starts_at: Start of the day; None if the day was never requested.
        kbps: The points; None if there are none.
        body_sha256: Digest of the response that delivered the points.
        collected_at: When that response was received.
        http_status: HTTP status of that response.
        timezone: Current time zone of the account that requested the day.
    """

    app_id: str
    starts_at: datetime | None
    kbps: list[float | None] | None
    body_sha256: bytes | None
    collected_at: datetime | None
    http_status: int | None
    timezone: str


def lock_stored(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> list[StoredDay]:
    """Return the stored app-days of a usage date, and block all other writers until the commit.

    Args:
        connection: Connection to the warehouse.
        usage_date: The usage date.
        app_ids: The apps. Empty means all apps.
    """
    # Locking row by row could deadlock with a loader, which locks rows in another order.
    connection.execute(text("lock table core.app_day in share row exclusive mode"))
    values = {"usage_date": usage_date, "every": not app_ids, "app_ids": list(app_ids)}
    rows = connection.execute(text(STORED), values)
    # psycopg2 returns bytea values as memoryview objects.
    return [
        StoredDay(**{**row._mapping, "body_sha256": row.body_sha256 and bytes(row.body_sha256)})
        for row in rows
    ]


def states(
    connection: Connection, app_days: Collection[AppDay], since: datetime
) -> tuple[dict[str, int], int]:
    """Count app-days by state, and count those whose points changed since a given time.

    Args:
        connection: Connection to the warehouse.
        app_days: The app-days.
        since: The time, with a time zone.

    Returns:
        The number of app-days by state, and the number of app-days whose points changed. App-days without
        a ledger entry count as pending.
    """
    rows = connection.execute(
        text(STATES),
        {
            "since": since,
            "app_ids": [app_id for app_id, _ in app_days],
            "usage_dates": [usage_date for _, usage_date in app_days],
        },
    ).all()
    return {row.state: row.app_days for row in rows}, sum(row.changed for row in rows)
