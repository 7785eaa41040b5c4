"""What a run's app-days have come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class Landed(NamedTuple):
    """What a run's app-days have come to.

    Attributes:
        states: How many are in which state now.
        changed: How many got points since the run began.
        points: How many points those have.
    """

    states: dict[str, int]
    changed: int
    points: int


def landed(connection: Connection, app_days: Sequence[tuple[str, date]], since: datetime) -> Landed:
    """Look up what app-days have come to, whoever loaded them and in however many tries.

    Args:
        connection: To the warehouse.
        app_days: What a run asked for.
        since: When the run began, with time zone.
    """
    rows = connection.execute(
        text(
            "select coalesce(app_day.state, 'pending') as state, count(*),"
            " count(*) filter (where app_day.collected_at >= :since),"
            " coalesce(sum(app_day.points) filter (where app_day.collected_at >= :since), 0)"
            " from unnest(cast(:app_ids as text []), cast(:usage_dates as date []))"
            " as asked (app_id, usage_date)"
            " inner join core.app as app on app.app_id = asked.app_id"
            " left join core.app_day as app_day"
            " on app_day.app_key = app.app_key and app_day.usage_date = asked.usage_date"
            " group by 1"
        ),
        {
            "since": since,
            "app_ids": [app_id for app_id, _ in app_days],
            "usage_dates": [usage_date for _, usage_date in app_days],
        },
    ).all()
    return Landed(
        {state: count for state, count, _, _ in rows},
        sum(changed for _, _, changed, _ in rows),
        sum(points for _, _, _, points in rows),
    )
