"""What the watch reads: wanted app-days that are not complete and can, or lately could, still be had."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class Uncollected(NamedTuple):
    """A wanted app-day without its 288 points.

    Attributes:
        conn_id: Account that owns the app.
        app_id: The vendor's App ID.
        app_name: For people; the App ID where none was given.
        usage_date: Usage date in the account's time zone.
        state: pending, partial, rejected, failed or lost.
        reason: Why there are not 288 points.
        days_left: Days from the account's today to the last on which the vendor is expected to show it.
    """

    conn_id: str
    app_id: str
    app_name: str
    usage_date: date
    state: str
    reason: str
    days_left: int


SINCE = """
select
    wanted.conn_id, wanted.app_id, wanted.app_name, wanted.usage_date, wanted.state, wanted.reason,
    wanted.expires_on - wanted.today as days_left
from core.wanted_app_day as wanted
inner join core.vendor_account as account using (conn_id)
where
    wanted.state <> 'collected'
    and wanted.expires_on >= (cast(:since as timestamptz) at time zone account.timezone)::date
order by wanted.usage_date, wanted.app_id
"""


def uncollected(connection: Connection, since: datetime) -> list[Uncollected]:
    """Return what is not complete, of all accounts, oldest first.

    Args:
        connection: To the warehouse.
        since: With time zone. Days that had left the vendor's window by then are left out.
    """
    return [Uncollected(*row) for row in connection.execute(text(SINCE), {"since": since})]


def apps_known(connection: Connection) -> int:
    """Count the apps that a run has ever seen configured."""
    return int(connection.execute(text("select count(*) from core.app")).scalar_one())


def lost_in_all(connection: Connection) -> int:
    """Count the app-days that could not be had, of all times."""
    query = "select count(*) from core.app_day where state = 'lost'"
    return int(connection.execute(text(query)).scalar_one())
