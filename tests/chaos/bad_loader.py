"""Negative control: a loader without a common transaction, written without regard to kills.

The ledger and the points are written by separate statements, each with its own commit. A kill between them
leaves one response's ledger entry with another response's points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from agora.warehouse import merge_app_days

LEDGER = """
insert into core.app_day as stored (
    app_key, usage_date, conn_id, starts_at, state, points, attempts, http_status, collected_at, verified_at,
    body_sha256, kbps_int4, top_kbps, sum_kbps
)
select
    app_key, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, kbps, (array_sort(kbps, true, false))[1:15],
    (select sum(point) from unnest(kbps) as point)
from core.app cross join (select %s::integer[] as kbps) as points where app_id = %s
on conflict (app_key, usage_date) do update set
    collected_at = excluded.collected_at,
    verified_at = excluded.verified_at,
    body_sha256 = excluded.body_sha256
"""
POINTS = """
update core.app_day set kbps_int4 = %s
where app_key = (select app_key from core.app where app_id = %s) and usage_date = %s
"""


def load(connection: Connection, batch: pd.DataFrame, conn_id: str) -> int:
    """Load a batch of sound app-days, statement by statement."""
    session: Any = connection.connection.dbapi_connection
    grid = batch.loc[:, merge_app_days.SLOTS].to_numpy(dtype=np.float64)
    kbps = [[None if np.isnan(point) else int(point) for point in row] for row in grid.tolist()]
    keys = batch.index.tolist()
    with session.cursor() as cursor:
        for (app_id, day), row, points in zip(keys, batch.to_dict("records"), kbps, strict=True):
            at = row["collected_at"]
            ledger = (conn_id, row["starts_at"], row["state"], row["points"], row["http_status"], at, at)
            cursor.execute(LEDGER, (day, *ledger, row["body_sha256"], points, app_id))
            session.commit()
        for (app_id, day), points in zip(keys, kbps, strict=True):
            cursor.execute(POINTS, (points, app_id, day))
            session.commit()
    return len(batch)
