"""Merge received app-days into core.app_day. No other module writes points or ledger entries.

`REPLACES` decides whether a response replaces the stored one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from agora.domain import SLOTS_PER_DAY, SOUND_STATES
from agora.warehouse import binary_copy as encode

# Columns of the points, and of the figures computed from them.
POINTS = ("kbps_int4", "kbps_float8", "top_kbps", "sum_kbps")
COLUMNS = (
    "app_id, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256,"
    f" {', '.join(POINTS)}"
)

SLOTS = range(SLOTS_PER_DAY)
INT4_MAX = 2**31 - 1
TOP = 15  # floor(5 × 288 / 100) + 1, so that the largest points include the 95th percentile of the day

CREATE_BATCH = """
create temporary table batch (
    app_id text, usage_date date, starts_at timestamptz, state text, points smallint, attempts integer,
    http_status smallint, reason text, collected_at timestamptz, body_sha256 bytea, kbps_int4 integer [],
    kbps_float8 double precision [], top_kbps double precision [], sum_kbps double precision
)
on commit drop
"""

# Rows are written in key order, so that two loaders of the same days wait for each other
# instead of deadlocking.
UPSERT = f"""
insert into core.app_day as stored (
    app_key, usage_date, conn_id, starts_at, state, points, attempts, http_status, reason, collected_at,
    verified_at, body_sha256, {", ".join(POINTS)}
)
select
    app.app_key, batch.usage_date, coalesce(:conn_id, app.conn_id), batch.starts_at, batch.state,
    batch.points, batch.attempts, batch.http_status, batch.reason, batch.collected_at, batch.collected_at,
    batch.body_sha256, {", ".join(f"batch.{column}" for column in POINTS)}
from batch inner join core.app as app using (app_id)
order by app.app_key, batch.usage_date
on conflict (app_key, usage_date) do update set {{update}}
returning
    new.app_key, new.usage_date, old.kbps as old_kbps,
    case when old.kbps is not null then new.kbps end as new_kbps, -- only a restatement needs the new points
    old.verified_at is not null as had_points, new.verified_at is not null as has_points,
    old.starts_at as old_starts_at, new.starts_at as new_starts_at,
    old.collected_at as old_collected_at, new.collected_at as new_collected_at,
    old.body_sha256 as old_body_sha256, new.body_sha256 as new_body_sha256
"""  # noqa: S608 - composed from this file's constants

# Whether the received response (excluded) replaces the stored one. Stored points are replaced only by a newer
# response that contradicts a point or has more points. A failure never replaces points, and neither does a
# response that merely lacks some. Exactly the app-days with points have a verified_at.
REPLACES = """
    case
        when excluded.verified_at is null then stored.verified_at is null
        when stored.verified_at is null then true
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
    "conn_id", "starts_at", "state", "points", "http_status", "reason", "collected_at", "body_sha256", *POINTS
)  # fmt: skip
# Every response counts as an attempt. A single update sets all columns, because a second update in the same
# statement would not see rows that another loader inserts in the meantime.
IF_NEWER = f"""
    attempts = stored.attempts + excluded.attempts,
    verified_at = greatest(stored.verified_at, excluded.verified_at),
    ({", ".join(RESPONSE)}) = (
        select {", ".join(f"case when it.replaces then excluded.{c} else stored.{c} end" for c in RESPONSE)}
        from (select {REPLACES} as replaces) as it
    )
"""  # noqa: S608 - composed from this file's constants
DIFFERENT = ("starts_at", "body_sha256", *POINTS)
# conn_id does not change: it names the account that requested the day.
IF_DIFFERENT = f"""
    {", ".join(f"{c} = excluded.{c}" for c in RESPONSE if c != "conn_id")},
    verified_at = case
        when excluded.verified_at is not null then greatest(stored.verified_at, excluded.verified_at)
    end
where
    (excluded.verified_at is not null or stored.verified_at is not null)
    and ({", ".join(f"excluded.{c}" for c in DIFFERENT)})
    is distinct from ({", ".join(f"stored.{c}" for c in DIFFERENT)})
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
where had_points <> has_points
or had_points and (old_kbps, old_starts_at) is distinct from (new_kbps, new_starts_at)
"""  # noqa: S608 - composed from this file's constants
LOAD = WRITE.format(update=IF_NEWER)
REPLACE = WRITE.format(update=IF_DIFFERENT)


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
    return zip(*columns, *_points(batch), strict=True)


def _points(batch: pd.DataFrame) -> Iterable[Sequence[bytes]]:
    """Encode the points and their figures in the order of POINTS."""
    grid = batch.loc[:, SLOTS].to_numpy(dtype=np.float64)
    sound = batch["state"].isin(SOUND_STATES).to_numpy()
    rates = np.nan_to_num(grid)
    fits = ((rates == np.trunc(rates)) & (rates <= INT4_MAX)).all(axis=1)
    largest = -np.sort(np.partition(-grid, TOP - 1, axis=1)[:, :TOP], axis=1)  # absent points come last
    return (
        _encode_rows(encode.int4_arrays, grid, sound & fits),
        _encode_rows(encode.float8_arrays, grid, sound & ~fits),
        _encode_rows(encode.float8_arrays, largest, sound),
        _encode_rows(encode.float8s, rates.sum(axis=1), batch["points"].to_numpy() > 0),
    )


def _encode_rows(
    encode_chosen: Callable[[NDArray[np.float64]], Iterable[bytes]],
    values: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> list[bytes]:
    """Encode the chosen rows, and null for the others."""
    encoded = iter(encode_chosen(values[chosen]))
    return [next(encoded) if is_chosen else encode.NULL for is_chosen in chosen]
