"""Writes points and ledger entries to core.app_day. No other module writes to this table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from agora.domain import SLOTS_PER_DAY, SOUND_STATES, AppDay
from agora.warehouse import binary_copy as encode

COLUMNS = (
    "app_id, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256,"
    " kbps"
)

SLOTS = range(SLOTS_PER_DAY)

CREATE_BATCH = """
create temporary table batch (
    app_id text, usage_date date, starts_at timestamptz, state text, points smallint, attempts integer,
    http_status smallint, reason text, collected_at timestamptz, body_sha256 bytea, kbps double precision []
)
with (toast_tuple_target = 8160) -- compression does not pay off within one transaction
on commit drop
"""

# Rows are written in key order, so that two loaders of the same days wait for each other
# instead of deadlocking.
UPSERT = """
insert into core.app_day as stored (
    app_key, usage_date, conn_id, starts_at, state, points, attempts, http_status, reason, collected_at,
    verified_at, body_sha256, kbps
)
select
    app.app_key, batch.usage_date, coalesce(:conn_id, app.conn_id), batch.starts_at, batch.state,
    batch.points, batch.attempts, batch.http_status, batch.reason, batch.collected_at, batch.collected_at,
    batch.body_sha256, batch.kbps
from batch inner join core.app as app using (app_id)
order by app.app_key, batch.usage_date
on conflict (app_key, usage_date) do update set {update}
returning
    new.app_key, new.usage_date, old.kbps as old_kbps, new.kbps as new_kbps,
    old.starts_at as old_starts_at, new.starts_at as new_starts_at,
    old.collected_at as old_collected_at, new.collected_at as new_collected_at,
    old.body_sha256 as old_body_sha256, new.body_sha256 as new_body_sha256
"""

# Whether the received response (excluded) replaces the stored one. Stored points are replaced only by a newer
# response that contradicts a point or has more points. A failure never replaces points, and neither does a
# response that merely lacks some.
REPLACES = """
    case
        when excluded.kbps is null then stored.kbps is null
        when stored.kbps is null then true
        else
            excluded.collected_at > stored.verified_at
            and (
                excluded.points > stored.points
                or exists (
                    select from unnest(stored.kbps, excluded.kbps) as slot (stored, received)
                    where slot.stored <> slot.received
                )
            )
    end
"""
# Columns that are always replaced together.
RESPONSE = (
    "conn_id", "starts_at", "state", "points", "http_status", "reason", "collected_at", "body_sha256", "kbps"
)  # fmt: skip
# Every response counts as an attempt. A single update sets all columns, because a second update in the same
# statement would not see rows that another loader inserts in the meantime.
IF_NEWER = f"""
    attempts = stored.attempts + excluded.attempts,
    verified_at = case
        when excluded.kbps is null then stored.verified_at
        else greatest(stored.verified_at, excluded.collected_at)
    end,
    ({", ".join(RESPONSE)}) = (
        select {", ".join(f"case when it.replaces then excluded.{c} else stored.{c} end" for c in RESPONSE)}
        from (select {REPLACES} as replaces) as it
    )
"""  # noqa: S608 - composed from this file's constants
# conn_id does not change: it names the account that requested the day.
IF_DIFFERENT = f"""
    {", ".join(f"{c} = excluded.{c}" for c in RESPONSE if c != "conn_id")},
    verified_at = case
        when excluded.kbps is not null then greatest(stored.verified_at, excluded.collected_at)
    end
where
    (excluded.kbps is not null or stored.kbps is not null)
    and (excluded.kbps, excluded.starts_at, excluded.body_sha256)
    is distinct from (stored.kbps, stored.starts_at, stored.body_sha256)
"""

# A point that moves to another instant counts as changed.
RESTATE = """
insert into core.restatement (
    app_key, usage_date, points_changed, points_added, old_collected_at, new_collected_at,
    old_body_sha256, new_body_sha256, old_starts_at, new_starts_at, old_sum_kbps, new_sum_kbps
)
select
    written.app_key, written.usage_date, compared.changed, compared.added,
    written.old_collected_at, written.new_collected_at, written.old_body_sha256,
    case when written.new_kbps is not null then written.new_body_sha256 end,
    written.old_starts_at, written.new_starts_at, compared.old_sum_kbps, compared.new_sum_kbps
from written
cross join lateral (
    select
        count(slot.old) filter (
            where slot.old is distinct from slot.new or written.old_starts_at <> written.new_starts_at
        ) as changed,
        count(slot.new) filter (where slot.old is null) as added,
        coalesce(sum(slot.old), 0) as old_sum_kbps,
        coalesce(sum(slot.new), 0) as new_sum_kbps
    from unnest(written.old_kbps, written.new_kbps) as slot (old, new)
) as compared
where written.old_kbps is not null and compared.changed + compared.added > 0
"""

# Returns the number of app-days whose points changed.
WRITE = f"""
with written as ({UPSERT}), restated as ({RESTATE})
select count(*) from written
where (old_kbps, old_starts_at) is distinct from (new_kbps, new_starts_at)
and (old_kbps is not null or new_kbps is not null)
"""  # noqa: S608 - composed from this file's constants
LOAD = WRITE.format(update=IF_NEWER)
REPLACE = WRITE.format(update=IF_DIFFERENT)

STORED = """
select
    app_day.app_id, app_day.starts_at, app_day.kbps, app_day.body_sha256, app_day.collected_at,
    app_day.http_status, account.timezone
from core.expected_app_day as app_day
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


def load(connection: Connection, batch: pd.DataFrame, conn_id: str) -> int:
    """Load a normalised batch into core.app_day, in the caller's transaction.

    A newer response replaces the stored one if it contradicts a point or has more points.

    Args:
        connection: Connection to the warehouse. core.app must contain the batch's apps.
        batch: Data frame returned by `agora.bandwidth.normalise`. Its index is (app_id, usage_date). Its
            columns are those of the ledger, followed by the slots as float64 in kbps, with NaN for absent
            points.
        conn_id: Account whose connection requested the days.

    Returns:
        The number of app-days whose points changed.
    """
    return _write(connection, batch, LOAD, conn_id)


def replace(connection: Connection, batch: pd.DataFrame) -> int:
    """Replace stored rows with those of a batch, in the same transaction as `lock_stored`.

    Args:
        connection: Connection to the warehouse.
        batch: Data frame as for `load`. A row without points removes the stored points.

    Returns:
        The number of app-days whose points changed.
    """
    return _write(connection, batch, REPLACE, None)


def _write(connection: Connection, batch: pd.DataFrame, statement: str, conn_id: str | None) -> int:
    connection.execute(text(CREATE_BATCH))
    encode.copy_in(connection, f"batch ({COLUMNS})", _rows(batch))
    return int(connection.execute(text(statement), {"conn_id": conn_id}).scalar_one())


def _rows(batch: pd.DataFrame) -> Iterable[tuple[bytes, ...]]:
    """Encode the batch in the order of COLUMNS."""
    columns = [
        map(encode_one, values)
        for encode_one, values in (
            (encode.text, batch.index.get_level_values("app_id")),
            (encode.day, batch.index.get_level_values("usage_date")),
            (encode.timestamptz, batch["starts_at"]),
            (encode.text, batch["state"]),
            (encode.int2, batch["points"]),
            (encode.int4, batch["attempts"]),
            (encode.int2, batch["http_status"]),
            (encode.text, batch["reason"]),
            (encode.timestamptz, batch["collected_at"]),
            (encode.bytea, batch["body_sha256"]),
        )
    ]
    grid = batch.loc[:, SLOTS].to_numpy(dtype=np.float64)
    sound = batch["state"].isin(SOUND_STATES)
    arrays = [
        kbps if has_grid else encode.NULL
        for kbps, has_grid in zip(encode.float8_arrays(grid), sound, strict=True)
    ]
    return zip(*columns, arrays, strict=True)


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
