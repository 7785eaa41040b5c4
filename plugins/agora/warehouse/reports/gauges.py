"""The state of the collection in a few numbers, for metrics."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.warehouse.planning_queries import lost_in_all
from agora.warehouse.reports.coverage import REQUESTED, window_begins

# As in the watch: a partial day is requested again, but the vendor may never have had more of it.
UNCOLLECTED = ("pending", "rejected", "failed")

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
"""  # noqa: S608 - put together from this file's own text


class Standing(NamedTuple):
    """The expected app-days that are still requested, of all accounts, and which of them are uncollected.

    Attributes:
        app_days: State → how many app-days of the vendor's window, and of the two days behind it those that
            are uncollected; absent where none.
        days_left: Days until the first uncollected app-day expires; 0 also for one that is out of the window
            by the calendar and still requested. If none is uncollected, days until the newest day expires;
            None if no app-day is expected.
        age_days: Days since the oldest uncollected usage date; 0 if none is uncollected.
        lost_app_days: Lost app-days of all times.
    """

    app_days: dict[str, int]
    days_left: int | None
    age_days: int
    lost_app_days: int


def standing(connection: Connection) -> Standing:
    """Count the expected app-days that are still requested."""
    found = connection.execute(text(BY_STATE), window_begins(connection)).all()
    uncollected = [row for row in found if row.state in UNCOLLECTED]
    newest = max((row.most_days_left for row in found), default=None)
    return Standing(
        {row.state: row.app_days for row in found},
        min((row.least_days_left for row in uncollected), default=newest),
        max((row.most_age_days for row in uncollected), default=0),
        lost_in_all(connection),
    )
