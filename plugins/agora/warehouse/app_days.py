"""App-days: the one way by which points and ledger entries get into core.app_day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

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

# The guards: a failure never replaces points; an older answer never replaces a newer one; a day is never
# replaced by a less complete one; the same answer twice changes nothing. In key order, so that two loaders
# of the same days wait for each other instead of deadlocking.
LOAD = """
insert into core.app_day as held (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256,
    kbps
)
select
    app.app_key, batch.usage_date, batch.starts_at, batch.state, batch.points, batch.attempts,
    batch.http_status, batch.reason, batch.collected_at, batch.body_sha256, batch.kbps
from batch inner join core.app as app using (app_id)
order by app.app_key, batch.usage_date
on conflict (app_key, usage_date) do update set
    starts_at = excluded.starts_at,
    state = excluded.state,
    points = excluded.points,
    attempts = held.attempts + excluded.attempts,
    http_status = excluded.http_status,
    reason = excluded.reason,
    collected_at = excluded.collected_at,
    body_sha256 = excluded.body_sha256,
    kbps = excluded.kbps
where case
    when excluded.kbps is null then held.kbps is null and held.state <> 'lost'
    when held.kbps is null then true
    else
        excluded.collected_at > held.collected_at
        and excluded.points >= held.points
        -- The same bytes are other points where the account's time zone was corrected.
        and (excluded.body_sha256, excluded.starts_at) is distinct from (held.body_sha256, held.starts_at)
end
"""

MARK_LOST = """
insert into core.app_day as held (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason
)
select
    app.app_key, day.usage_date, day.usage_date::timestamp at time zone account.timezone, 'lost', 0, 0, 400,
    :reason
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


def load(connection: Connection, batch: pd.DataFrame) -> int:
    """Bring a normalised batch into core.app_day, in the caller's transaction.

    Args:
        connection: To the warehouse; its apps must be known in core.app.
        batch: As `agora.bandwidth.normalise` returns it: index (app_id, usage_date), the ledger's columns,
            then the slots as float64 in kbps with NaN for absent points.

    Returns:
        How many app-days changed.
    """
    connection.execute(text(STAGE))
    encode.copy_in(connection, f"batch ({COLUMNS})", _rows(batch))
    return connection.execute(text(LOAD)).rowcount


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


def mark_lost(connection: Connection, app_days: Iterable[tuple[str, date]], reason: str) -> int:
    """Enter app-days that the vendor no longer shows; whatever has points keeps them.

    Args:
        connection: To the warehouse, in the caller's transaction.
        app_days: Pairs of App ID and usage date.
        reason: What the vendor answered, for people.

    Returns:
        How many app-days became lost by this.
    """
    days = list(app_days)
    return connection.execute(
        text(MARK_LOST),
        {
            "reason": reason,
            "app_ids": [app_id for app_id, _ in days],
            "usage_dates": [usage_date for _, usage_date in days],
        },
    ).rowcount
