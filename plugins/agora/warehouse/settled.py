"""Days that were collected while the vendor could still restate them, and have settled since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, text

from agora.warehouse.wanted import WantedAppDay

# A day is settled when some days have passed since it ended. One collected before that is asked once more
# after it, until what is held was said again, or something newer is held.
SETTLED = """
select wanted.app_id, wanted.usage_date, wanted.state
from core.wanted_app_day as wanted
inner join core.app_day as held using (app_key, usage_date)
cross join lateral (
    select wanted.starts_at + make_interval(days => 1 + :settle_days) as settled_at
) as day
where
    wanted.conn_id = :conn_id
    and wanted.app_id = any(:app_ids)
    and wanted.state = 'collected'
    and wanted.usage_date >= :since
    and wanted.usage_date < wanted.today - :settle_days
    and not exists (
        select from raw.bandwidth_response as answer
        where
            answer.app_id = wanted.app_id
            and answer.usage_date = wanted.usage_date
            and answer.body_sha256 = held.body_sha256
            and answer.fetched_at >= day.settled_at
    )
order by wanted.usage_date, wanted.app_id
"""


def asked_once_more(
    connection: Connection, conn_id: str, *, app_ids: Sequence[str], since: date, settle_days: int
) -> list[WantedAppDay]:
    """Return the complete app-days to be asked once more, because they were collected before they settled.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        since: Oldest usage date to look at.
        settle_days: How long after its end a day may still be restated; 0 asks for none.
    """
    if not settle_days:
        return []
    rows = connection.execute(
        text(SETTLED),
        {"conn_id": conn_id, "app_ids": list(app_ids), "since": since, "settle_days": settle_days},
    )
    return [WantedAppDay(*row) for row in rows]
