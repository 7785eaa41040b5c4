"""How collecting stands in a few numbers, for those who watch it by metrics."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.warehouse.reports.coverage import IN_WINDOW, window_begins
from agora.warehouse.uncollected import lost_in_all

BY_STATE = f"""
select
    state,
    count(*) as app_days,
    min(days_left) as least_days_left,
    max(days_left) as most_days_left,
    max(expires_on - days_left - usage_date) as most_age_days
from mart.coverage
where {IN_WINDOW}
group by state
"""  # noqa: S608 - put together from this file's own text
# As the watch sees it: a partial day is asked for again, but the vendor may never have had more of it.
UNCOLLECTED = ("pending", "rejected", "failed")


class Standing(NamedTuple):
    """What can be had of all accounts, and what of it is uncollected.

    Attributes:
        app_days: State → how many wanted app-days the vendor is expected to show; absent where none.
        days_left: Days until the first uncollected one expires; where there is none, until the newest day
            does. None where nothing is wanted.
        age_days: Days since the oldest uncollected usage date; 0 where there is none.
        lost_app_days: App-days that could not be had, of all times.
    """

    app_days: dict[str, int]
    days_left: int | None
    age_days: int
    lost_app_days: int


def standing(connection: Connection) -> Standing:
    """Count the wanted app-days that can still be had."""
    found = connection.execute(text(BY_STATE), window_begins(connection)).all()
    uncollected = [row for row in found if row.state in UNCOLLECTED]
    newest = max((row.most_days_left for row in found), default=None)
    return Standing(
        {row.state: row.app_days for row in found},
        min((row.least_days_left for row in uncollected), default=newest),
        max((row.most_age_days for row in uncollected), default=0),
        lost_in_all(connection),
    )
