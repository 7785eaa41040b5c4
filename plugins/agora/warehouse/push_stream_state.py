"""Whether push-streaming is enabled for each app, as the vendor answered, with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

# What an answer means depends on the app's newest stretch, so nobody else may add one meanwhile. One lock for
# all apps: whoever records several accounts at once would lock rows in another order. Readers do not wait.
LOCK = "lock table core.push_stream_state in share row exclusive mode"

# The guard: only an answer newer than all that is held counts, so neither an older one nor the same one again
# changes anything.
RECORD = """
with answer as (
    select distinct on (app_id) app_id, enabled, seen_at
    from
        unnest(cast(:app_ids as text []), cast(:enabled as boolean []), cast(:seen_at as timestamptz []))
            as answer (app_id, enabled, seen_at)
    order by app_id, seen_at desc
),
recorded as (
    merge into core.push_stream_state as stretch
    using (
        select answer.*, newest.first_seen_at
        from answer
        left join lateral (
            select held.first_seen_at, held.last_seen_at
            from core.push_stream_state as held
            where held.app_id = answer.app_id
            order by held.first_seen_at desc
            limit 1
        ) as newest on true
        where newest.last_seen_at is null or newest.last_seen_at < answer.seen_at
    ) as answer
    on
        stretch.app_id = answer.app_id
        and stretch.first_seen_at = answer.first_seen_at
        and stretch.enabled = answer.enabled
    when matched then update set
        conn_id = :conn_id, last_seen_at = answer.seen_at, answers = stretch.answers + 1
    when not matched then
        insert (app_id, conn_id, enabled, first_seen_at, last_seen_at, answers)
        values (answer.app_id, :conn_id, answer.enabled, answer.seen_at, answer.seen_at, 1)
    returning merge_action() as action
)
select count(*) from recorded where action = 'INSERT'
"""


class Seen(NamedTuple):
    """The vendor's answer to whether push-streaming is enabled for an app.

    Attributes:
        app_id: App ID that was asked about.
        enabled: The answer.
        seen_at: When it was received, with time zone.
    """

    app_id: str
    enabled: bool
    seen_at: datetime


def record(connection: Connection, conn_id: str, seen: Sequence[Seen]) -> int:
    """Bring answers into core.push_stream_state, in the caller's transaction.

    Args:
        connection: To the warehouse. Other recorders wait until it commits.
        conn_id: The account that asked.
        seen: The answers; of several for one app the newest counts.

    Returns:
        How many apps' state changed or was seen for the first time.
    """
    connection.execute(text(LOCK))
    return int(
        connection.execute(
            text(RECORD),
            {
                "conn_id": conn_id,
                "app_ids": [answer.app_id for answer in seen],
                "enabled": [answer.enabled for answer in seen],
                "seen_at": [answer.seen_at for answer in seen],
            },
        ).scalar_one()
    )
