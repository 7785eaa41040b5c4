"""App-days: the one way by which points and ledger entries get into core.app_day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from agora.warehouse import binary_copy as encode

COLUMNS = "app_id, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256, kbps"

STAGE = """
create temporary table batch (
    app_id text, usage_date date, starts_at timestamptz, state text, points smallint, attempts integer,
    http_status smallint, reason text, collected_at timestamptz, body_sha256 bytea, kbps double precision []
) on commit drop
"""

# The guards: a failure never replaces points; an older answer never replaces a newer one; a day is never
# replaced by a less complete one; the same answer twice changes nothing. In key order, so that two loaders
# of the same days wait for each other instead of deadlocking.
LOAD = """
insert into core.app_day as held (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256, kbps
)
select
    app.app_key, batch.usage_date, batch.starts_at, batch.state, batch.points, batch.attempts, batch.http_status,
    batch.reason, batch.collected_at, batch.body_sha256, batch.kbps
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
        and excluded.body_sha256 <> held.body_sha256
end
"""

MARK_LOST = """
insert into core.app_day as held (
    app_key, usage_date, starts_at, state, points, attempts, http_status, reason
)
select
    app.app_key, day.usage_date, day.usage_date::timestamp at time zone account.timezone, 'lost', 0, 0, 400, :reason
from core.app as app
inner join core.vendor_account as account using (conn_id)
inner join unnest(cast(:app_ids as text []), cast(:usage_dates as date [])) as day (app_id, usage_date) using (app_id)
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
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(  # type: ignore[attr-defined]
            f"copy batch ({COLUMNS}) from stdin (format binary)", encode.stream(_rows(batch))
        )
    return connection.execute(text(LOAD)).rowcount


def _rows(batch: pd.DataFrame) -> Iterable[tuple[bytes, ...]]:
    ledger = batch.loc[:, "starts_at":"body_sha256"]  # type: ignore[misc]
    grid = batch.iloc[:, ledger.shape[1] :].to_numpy(dtype=np.float64)
    arrays = encode.float8_arrays(grid)
    for (app_id, usage_date), entry, kbps in zip(
        batch.index, ledger.itertuples(index=False), arrays, strict=True
    ):
        yield (
            encode.text(app_id),
            encode.day(usage_date),
            encode.timestamptz(entry.starts_at),
            encode.text(entry.state),
            encode.int2(entry.points),
            encode.int4(entry.attempts),
            encode.int2(entry.http_status),
            encode.text(entry.reason),
            encode.timestamptz(entry.collected_at),
            encode.bytea(entry.body_sha256),
            kbps if entry.state in ("collected", "partial") else encode.NULL,
        )


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
