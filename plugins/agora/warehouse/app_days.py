"""App-days: the one way by which points and ledger entries get into core.app_day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from agora.warehouse import binary_copy as encode

COLUMNS = (
    "app_id, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256,"
    " kbps"
)

SLOTS = range(288)

STAGE = """
create temporary table batch (
    app_id text, usage_date date, starts_at timestamptz, state text, points smallint, attempts integer,
    http_status smallint, reason text, collected_at timestamptz, body_sha256 bytea, kbps double precision []
)
with (toast_tuple_target = 8160) -- not worth compressing for a moment
on commit drop
"""

# In key order, so that two loaders of the same days wait for each other instead of deadlocking.
WRITE = """
insert into core.app_day as held (
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

# The newest response wins if it contradicts a stored point, or if it has more points. One that only lacks
# points changes none, and neither does a failure. An older response never replaces a newer one. Every
# response counts, whether or not it changes a point. One update does both: a second one in the same statement
# would not see the rows that another loader adds meanwhile.
NEWEST_WINS = """
    attempts = held.attempts + excluded.attempts,
    verified_at = case
        when excluded.kbps is null then held.verified_at
        else greatest(held.verified_at, excluded.collected_at)
    end,
    (conn_id, starts_at, state, points, http_status, reason, collected_at, body_sha256, kbps) = (
        select
            case when newer.wins then excluded.conn_id else held.conn_id end,
            case when newer.wins then excluded.starts_at else held.starts_at end,
            case when newer.wins then excluded.state else held.state end,
            case when newer.wins then excluded.points else held.points end,
            case when newer.wins then excluded.http_status else held.http_status end,
            case when newer.wins then excluded.reason else held.reason end,
            case when newer.wins then excluded.collected_at else held.collected_at end,
            case when newer.wins then excluded.body_sha256 else held.body_sha256 end,
            case when newer.wins then excluded.kbps else held.kbps end
        from (
            select
                case
                    when excluded.kbps is null then held.kbps is null
                    when held.kbps is null then true
                    else
                        excluded.collected_at > held.verified_at
                        and (
                            excluded.points > held.points
                            or exists (
                                select from unnest(held.kbps, excluded.kbps) as slot (stored, received)
                                where slot.stored <> slot.received
                            )
                        )
                end as wins
        ) as newer
    )
"""
WHERE_DIFFERENT = """
    starts_at = excluded.starts_at,
    state = excluded.state,
    points = excluded.points,
    http_status = excluded.http_status,
    reason = excluded.reason,
    collected_at = excluded.collected_at,
    verified_at = case
        when excluded.kbps is not null then greatest(held.verified_at, excluded.collected_at)
    end,
    body_sha256 = excluded.body_sha256,
    kbps = excluded.kbps
where
    (excluded.kbps is not null or held.kbps is not null)
    and (excluded.kbps, excluded.starts_at, excluded.body_sha256)
    is distinct from (held.kbps, held.starts_at, held.body_sha256)
"""

# A point that moved to another instant has changed, too.
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

CHANGED = """
select count(*) from written
where (old_kbps, old_starts_at) is distinct from (new_kbps, new_starts_at)
and (old_kbps is not null or new_kbps is not null)
"""
LOAD = f"""
with written as ({WRITE.format(update=NEWEST_WINS)}), restated as ({RESTATE})
{CHANGED}
"""
REPLACE = f"""
with written as ({WRITE.format(update=WHERE_DIFFERENT)}), restated as ({RESTATE})
{CHANGED}
"""

HELD = """
select
    wanted.app_id, wanted.starts_at, wanted.kbps, wanted.body_sha256, wanted.collected_at, wanted.http_status,
    account.timezone
from core.wanted_app_day as wanted
inner join core.vendor_account as account on coalesce(wanted.collected_by, wanted.conn_id) = account.conn_id
where wanted.usage_date = :usage_date and (:every or wanted.app_id = any(:app_ids))
order by wanted.app_id
"""

STATES = """
select found.state, count(*) as app_days, count(*) filter (where found.collected_at >= :since) as changed
from unnest(cast(:app_ids as text []), cast(:usage_dates as date [])) as asked (app_id, usage_date)
inner join core.app as app using (app_id)
cross join lateral (
    select
        coalesce(min(app_day.state), 'pending') as state,
        min(app_day.collected_at) filter (where app_day.points > 0) as collected_at
    from core.app_day as app_day
    where app_day.app_key = app.app_key and app_day.usage_date = asked.usage_date
) as found
group by found.state
"""


class Held(NamedTuple):
    """What is stored of an expected app-day.

    Attributes:
        app_id: The vendor's App ID.
        starts_at: Start of the day; None if it was never requested.
        kbps: The points; None without any.
        body_sha256: Digest of the response that the points are from.
        collected_at: When that was received.
        http_status: Its status.
        timezone: Zone in which the account that requested the day counts its days today.
    """

    app_id: str
    starts_at: datetime | None
    kbps: list[float | None] | None
    body_sha256: bytes | None
    collected_at: datetime | None
    http_status: int | None
    timezone: str


def load(connection: Connection, batch: pd.DataFrame, conn_id: str) -> int:
    """Bring a normalised batch into core.app_day, in the caller's transaction.

    Args:
        connection: To the warehouse; its apps must be known in core.app.
        batch: As `agora.bandwidth.normalise` returns it: index (app_id, usage_date), the ledger's columns,
            then the slots as float64 in kbps with NaN for absent points.
        conn_id: The account whose connection requested the days.

    Returns:
        The number of app-days whose points changed.
    """
    return _write(connection, batch, LOAD, conn_id)


def replace(connection: Connection, batch: pd.DataFrame) -> int:
    """Store a batch in place of what is stored, in the transaction in which `held` returned that.

    Args:
        connection: To the warehouse.
        batch: As for `load`; a row without points takes the stored points back.

    Returns:
        The number of app-days whose points changed.
    """
    return _write(connection, batch, REPLACE, None)


def _write(connection: Connection, batch: pd.DataFrame, statement: str, conn_id: str | None) -> int:
    connection.execute(text(STAGE))
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
    sound = batch["state"].isin(("collected", "partial"))
    arrays = [
        kbps if has_grid else encode.NULL
        for kbps, has_grid in zip(encode.float8_arrays(grid), sound, strict=True)
    ]
    return zip(*columns, arrays, strict=True)


def held(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> list[Held]:
    """Return what is stored of a usage date; until the commit nobody else stores any app-day.

    Args:
        connection: To the warehouse.
        usage_date: The day.
        app_ids: Only these apps; empty for all.
    """
    # Rows locked one by one would be locked in another order than a loader's.
    connection.execute(text("lock table core.app_day in share row exclusive mode"))
    values = {"usage_date": usage_date, "every": not app_ids, "app_ids": list(app_ids)}
    rows = connection.execute(text(HELD), values)
    # psycopg2 returns a memoryview, which differs from the same bytes.
    return [
        Held(**{**row._mapping, "body_sha256": row.body_sha256 and bytes(row.body_sha256)}) for row in rows
    ]


def states(
    connection: Connection, app_days: Collection[tuple[str, date]], since: datetime
) -> tuple[dict[str, int], int]:
    """Return what state app-days are in, whoever loaded them, and how many of them changed since a moment.

    Args:
        connection: To the warehouse.
        app_days: Pairs of App ID and usage date.
        since: With time zone.

    Returns:
        State → number of app-days (those without a recorded outcome are pending), and the number of
        app-days whose points changed.
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
