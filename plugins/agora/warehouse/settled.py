"""Days that were collected while the vendor could still restate them, and have settled since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from agora.warehouse.wanted import ToAsk, first

# A day is settled when some days have passed since it ended. One collected before that is asked once more
# after it, until what is held was said again, or something newer is held.
SETTLED = """
select known.app_id, held.usage_date, held.state
from core.known_app as known
inner join core.app_day as held using (app_key)
cross join lateral (
    select held.starts_at + make_interval(days => 1 + :settle_days) as settled_at
) as day
where
    known.conn_id = :conn_id
    and known.app_id = any(:app_ids)
    and held.state = 'collected'
    and held.usage_date >= :since
    and held.usage_date < known.today - :settle_days
    and held.collected_at < day.settled_at
    and not exists (
        select from raw.bandwidth_response as answer
        where
            answer.app_id = known.app_id
            and answer.usage_date = held.usage_date
            and answer.body_sha256 = held.body_sha256
            and answer.fetched_at >= day.settled_at
    )
order by held.usage_date, known.app_id
"""


def asked_once_more(
    connection: Connection, conn_id: str, *, app_ids: Sequence[str], since: date, settle_days: int, most: int
) -> ToAsk:
    """Return the complete app-days to be asked once more, because they were collected before they settled.

    Args:
        connection: To the warehouse.
        conn_id: The account.
        app_ids: Known apps of the account.
        since: Oldest usage date to look at.
        settle_days: How long after its end a day may still be restated; 0 asks for none.
        most: How many, at most.
    """
    if not settle_days:
        return ToAsk([], 0)
    values = {"conn_id": conn_id, "app_ids": list(app_ids), "since": since, "settle_days": settle_days}
    return first(connection, SETTLED, values, most)
