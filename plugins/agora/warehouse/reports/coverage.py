"""Reports the states of expected app-days, why points are missing, and which app-days expire soonest."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection

from agora.warehouse.reports import Row, rows


class Sort(StrEnum):
    """Order of the apps."""

    EXPIRY = "expiry"  # soonest to expire first, then most missing days
    MISSING = "missing"
    NAME = "name"


class Choice(NamedTuple):
    """Selection of app-days.

    Attributes:
        from_date: First usage date.
        to_date: Last usage date, inclusive.
        search: Part of an app's name or App ID, case-insensitive. Empty means all apps.
        sort: Order of the apps.
        limit: Maximum number of apps.
        offset: Number of apps to skip.
    """

    from_date: date
    to_date: date
    search: str
    sort: Sort
    limit: int
    offset: int


# The filters on usage_date skip older years. days_left and is_available follow each account's calendar.
WINDOW_BEGINS = "select min(window_begins_on) as first_date from mart.vendor_account"
IN_WINDOW = "usage_date >= :window_begins_on and days_left >= 0"
# Available days may be two days older than the window. At the end of a month, four days may leave the window
# on the same day.
REQUESTED = "usage_date >= cast(:window_begins_on as date) - 6 and is_available"
# Incomplete app-days that are still requested.
OPEN = f"not is_complete and state <> 'lost' and {REQUESTED}"

WINDOW = f"""
select min(usage_date) as first_date, max(usage_date) as last_date
from mart.coverage
where {REQUESTED} and (days_left >= 0 or not is_complete and state <> 'lost')
"""  # noqa: S608 - composed from this file's constants

CHOSEN = """
    usage_date between :from_date and :to_date
    and (position(lower(:search) in lower(app_name)) > 0 or position(lower(:search) in lower(app_id)) > 0)
"""

APPS = f"""
select
    app_id,
    min(app_name) as app_name,
    min(conn_id) as conn_id,
    count(*) as app_days,
    count(*) filter (where state = 'collected') as collected,
    min(days_left) filter (where {OPEN}) as days_left,
    count(*) over () as apps_in_all
from mart.coverage
where {CHOSEN}
group by app_id
order by {{order}} app_name, app_id
limit :limit offset :offset
"""  # noqa: S608 - composed from this file's constants
MISSING_FIRST = "count(*) filter (where state <> 'collected') desc,"
ORDERS = {
    Sort.EXPIRY: f"days_left nulls last, {MISSING_FIRST}",
    Sort.MISSING: MISSING_FIRST,
    Sort.NAME: "",
}

DAYS = """
select app_id, usage_date, state, points, attempts, days_left, reason, same_response_as
from mart.coverage
where usage_date between :from_date and :to_date and app_id = any(:app_ids)
order by app_id, usage_date
"""

BY_DATE = f"""
select usage_date, state, count(*) as app_days
from mart.coverage
where {CHOSEN}
group by usage_date, state
order by usage_date, state
"""  # noqa: S608 - composed from this file's constants

# All days that are still requested after expires_on form one group.
EXPIRING = f"""
select
    greatest(days_left, -1) as days_left,
    count(*) as app_days,
    count(distinct app_id) as apps,
    min(usage_date) as first_date,
    max(usage_date) as last_date
from mart.coverage
where {OPEN}
group by greatest(days_left, -1)
order by greatest(days_left, -1)
limit 3
"""  # noqa: S608 - composed from this file's constants

NAMES = "select app_id, app_name from mart.app where app_id = any(:app_ids)"

# The result if no app-day is requested.
NOTHING: dict[str, Any] = {
    "from_date": None,
    "to_date": None,
    "apps_in_all": 0,
    "apps": [],
    "by_date": [],
    "expiring": [],
}


def window_begins(connection: Connection) -> dict[str, date | None]:
    """Return the oldest usage date in any account's vendor window, as a parameter for IN_WINDOW."""
    return {"window_begins_on": rows(connection, WINDOW_BEGINS)[0]["first_date"]}


def window(connection: Connection) -> tuple[date, date] | None:
    """Return the oldest and the newest of the usage dates that are in the window or still requested."""
    (found,) = rows(connection, WINDOW, window_begins(connection))
    return (found["first_date"], found["last_date"]) if found["first_date"] else None


def coverage(connection: Connection, choice: Choice) -> dict[str, Any]:
    """Return the chosen apps with their days, app-days by date and state, and the next days to expire.

    Each day is a usage date of the app's account. The `same_response_as` field of a day lists the names of
    the apps that received the same response body. `expiring` covers all apps and dates. Its `days_left` is -1
    for days that have left the window according to the calendar and are still requested.
    """
    values = {**choice._asdict(), **window_begins(connection)}
    apps = rows(connection, APPS.format(order=ORDERS[choice.sort]), values)
    # An offset beyond the last app returns no row, and therefore no total.
    counted = apps or rows(connection, APPS.format(order=""), {**values, "limit": 1, "offset": 0})
    days = rows(connection, DAYS, {**values, "app_ids": [app["app_id"] for app in apps]})
    name_same_responses(connection, days)
    of_app = {app_id: list(own) for app_id, own in groupby(days, lambda day: day.pop("app_id"))}
    return {
        "from_date": choice.from_date,
        "to_date": choice.to_date,
        "apps_in_all": max((app.pop("apps_in_all") for app in counted), default=0),
        "apps": [{**app, "days": of_app[app["app_id"]]} for app in apps],
        "by_date": rows(connection, BY_DATE, values),
        "expiring": rows(connection, EXPIRING, values),
    }


def name_same_responses(connection: Connection, days: list[Row]) -> None:
    """Replace the App IDs in `same_response_as` with a list of names, which is empty if there are none."""
    for day in days:
        day["same_response_as"] = day["same_response_as"].split(", ") if day["same_response_as"] else []
    app_ids = {app_id for day in days for app_id in day["same_response_as"]}
    if not app_ids:
        return
    found = rows(connection, NAMES, {"app_ids": sorted(app_ids)})
    names = {app["app_id"]: app["app_name"] for app in found}
    for day in days:
        day["same_response_as"] = sorted(names.get(app_id, app_id) for app_id in day["same_response_as"])
