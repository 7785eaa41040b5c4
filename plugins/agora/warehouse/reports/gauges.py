"""Reads the gauge metrics: app-days by state, and the time until the next app-day expires."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.domain import State
from agora.warehouse.planning_queries import count_lost_days
from agora.warehouse.reports.coverage import REQUESTED, window_begins

# The same states as in agora_bandwidth_watch. Partial days are left out: they have points, and the vendor may
# never have had more.
UNCOLLECTED = (State.PENDING.value, State.REJECTED.value, State.FAILED.value)

BY_STATE = f"""
select
    state,
    count(*) as app_days,
    min(greatest(days_left, 0)) as least_days_left,
    max(days_left) as most_days_left,
    max(expires_on - days_left - usage_date) as most_age_days
from mart.coverage
where {REQUESTED} and (days_left >= 0 or state in {UNCOLLECTED})
group by state
"""  # noqa: S608 - composed from this file's constants


class Gauges(NamedTuple):
    """Counts of all accounts' expected app-days that are still requested.

    Attributes:
        app_days: Number of app-days by state: those in the vendor window, and uncollected ones that are still
            requested after they left it. States that do not occur are left out.
        days_left: Days until the first uncollected app-day expires; 0 if it has expired and is still
            requested. If all app-days are collected, days until the newest day expires. None if no app-day
            is expected.
        age_days: Days since the oldest uncollected usage date; 0 if all app-days are collected.
        lost_app_days: All lost app-days, however old.
    """

    app_days: dict[str, int]
    days_left: int | None
    age_days: int
    lost_app_days: int


def read_gauges(connection: Connection) -> Gauges:
    """Count the expected app-days that are still requested."""
    found = connection.execute(text(BY_STATE), window_begins(connection)).all()
    uncollected = [row for row in found if row.state in UNCOLLECTED]
    newest = max((row.most_days_left for row in found), default=None)
    return Gauges(
        {row.state: row.app_days for row in found},
        min((row.least_days_left for row in uncollected), default=newest),
        max((row.most_age_days for row in uncollected), default=0),
        count_lost_days(connection),
    )
