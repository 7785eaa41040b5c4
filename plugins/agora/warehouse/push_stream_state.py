"""Records whether push-streaming is enabled for each app, and keeps the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

# A response extends or ends the app's newest period, so no other process may add a period in the meantime.
# Row locks could cause deadlocks between processes that record several accounts. Readers do not wait.
LOCK = "lock table core.push_stream_state in share row exclusive mode"

# Only a response that is newer than all recorded responses counts.
RECORD = """
with reported as (
    select distinct on (app_id) app_id, enabled, seen_at
    from
        unnest(cast(:app_ids as text []), cast(:enabled as boolean []), cast(:seen_at as timestamptz []))
            as reported (app_id, enabled, seen_at)
    order by app_id, seen_at desc
),
recorded as (
    merge into core.push_stream_state as period
    using (
        select reported.*, newest.first_seen_at
        from reported
        left join lateral (
            select period.first_seen_at, period.last_seen_at
            from core.push_stream_state as period
            where period.app_id = reported.app_id
            order by period.first_seen_at desc
            limit 1
        ) as newest on true
        where newest.last_seen_at is null or newest.last_seen_at < reported.seen_at
    ) as reported
    on
        period.app_id = reported.app_id
        and period.first_seen_at = reported.first_seen_at
        and period.enabled = reported.enabled
    when matched then update set
        conn_id = :conn_id, last_seen_at = reported.seen_at, answers = period.answers + 1
    when not matched then
        insert (app_id, conn_id, enabled, first_seen_at, last_seen_at, answers)
        values (reported.app_id, :conn_id, reported.enabled, reported.seen_at, reported.seen_at, 1)
    returning merge_action() as action
)
select count(*) from recorded where action = 'INSERT'
"""


class ReportedState(NamedTuple):
    """The state of push-streaming for one app, as reported by the vendor.

    Attributes:
        seen_at: When the response was received, with a time zone.
    """

    app_id: str
    enabled: bool
    seen_at: datetime


def record(connection: Connection, conn_id: str, reported: Sequence[ReportedState]) -> int:
    """Record states in core.push_stream_state, in the caller's transaction.

    Args:
        connection: Connection to the warehouse. Other processes that record states wait for the commit.
        conn_id: Account that made the requests.
        reported: The states. If an app has several, only the newest counts.

    Returns:
        The number of apps whose state changed or was recorded for the first time.
    """
    connection.execute(text(LOCK))
    return int(
        connection.execute(
            text(RECORD),
            {
                "conn_id": conn_id,
                "app_ids": [state.app_id for state in reported],
                "enabled": [state.enabled for state in reported],
                "seen_at": [state.seen_at for state in reported],
            },
        ).scalar_one()
    )
