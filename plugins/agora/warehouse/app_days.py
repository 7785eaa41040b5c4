"""App-days: the one way by which points and ledger entries get into core.app_day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

# The guards: a failure never replaces points; an older answer never replaces a newer one; a day is never
# replaced by a less complete one; the same answer twice changes nothing. In key order, so that two loaders
# of the same days wait for each other instead of deadlocking. Points that replace points leave a trace.
LOAD = """
with loaded as (
    insert into core.app_day as held (
        app_key, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at,
        body_sha256, kbps
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
            -- What is held may have been answered again since, which changes nothing but its age.
            and not exists (
                select from raw.bandwidth_response as answer
                inner join core.app as app using (app_id)
                where
                    app.app_key = held.app_key
                    and answer.usage_date = held.usage_date
                    and answer.body_sha256 = held.body_sha256
                    and answer.fetched_at > excluded.collected_at
            )
    end
    returning
        new.app_key, new.usage_date, old.kbps as old_kbps, new.kbps as new_kbps,
        old.collected_at as old_collected_at, new.collected_at as new_collected_at,
        old.body_sha256 as old_body_sha256, new.body_sha256 as new_body_sha256
),
restated as (
    insert into core.restatement (
        app_key, usage_date, points_changed, points_added,
        old_collected_at, new_collected_at, old_body_sha256, new_body_sha256
    )
    select
        loaded.app_key, loaded.usage_date, compared.changed, compared.added,
        loaded.old_collected_at, loaded.new_collected_at, loaded.old_body_sha256, loaded.new_body_sha256
    from loaded
    cross join lateral (
        select
            count(*) filter (where slot.old is distinct from slot.new and slot.old is not null) as changed,
            count(*) filter (where slot.old is null and slot.new is not null) as added
        from unnest(loaded.old_kbps, loaded.new_kbps) as slot (old, new)
    ) as compared
    where loaded.old_kbps is not null and compared.changed + compared.added > 0
)
select count(*) from loaded
"""

HELD = """
select app.app_id, app_day.starts_at, app_day.kbps, app_day.body_sha256
from core.app_day as app_day inner join core.app as app using (app_key)
where app_day.usage_date = :usage_date and app.app_id = any(:app_ids) and app_day.kbps is not null
"""

WITHDRAW = """
with withdrawn as (
    update core.app_day as app_day set
        state = 'rejected', points = 0, kbps = null, collected_at = null, reason = :reason
    from core.app as app
    where
        app.app_id = :app_id
        and app_day.app_key = app.app_key
        and app_day.usage_date = :usage_date
    returning old.app_key, old.usage_date, old.collected_at, old.body_sha256
)
insert into core.restatement (
    app_key, usage_date, points_changed, points_added,
    old_collected_at, new_collected_at, old_body_sha256, new_body_sha256
)
select
    app_key, usage_date, :points_changed, :points_added,
    collected_at, :new_collected_at, body_sha256, :new_body_sha256
from withdrawn
where :points_changed + :points_added > 0
"""


class Held(NamedTuple):
    """The points of an app-day in the warehouse, and the answer they were read from."""

    starts_at: datetime
    kbps: list[float | None]
    body_sha256: bytes


class Withdrawal(NamedTuple):
    """Points to be taken back because their answer reads differently now; others may follow."""

    app_id: str
    usage_date: date
    reason: str
    points_changed: int
    points_added: int
    new_collected_at: datetime | None
    new_body_sha256: bytes | None


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
    return int(connection.execute(text(LOAD)).scalar_one())


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


def held(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> dict[str, Held]:
    """Return the points held of some apps' usage date; nobody else loads any until the commit."""
    # Rows locked one by one would be locked in another order than a loader's.
    connection.execute(text("lock table core.app_day in share row exclusive mode"))
    rows = connection.execute(text(HELD), {"usage_date": usage_date, "app_ids": list(app_ids)})
    return {row.app_id: Held(row.starts_at, row.kbps, bytes(row.body_sha256)) for row in rows}


def withdraw(connection: Connection, withdrawals: Iterable[Withdrawal]) -> None:
    """Take points back, which leaves the app-days rejected, and keep what changed in core.restatement.

    Args:
        connection: To the warehouse, in the transaction in which `held` returned them.
        withdrawals: What to take back.
    """
    for withdrawal in withdrawals:
        connection.execute(text(WITHDRAW), withdrawal._asdict())
