"""Which wanted app-days are collected, why the others are not, and what expires soonest."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection

from agora.warehouse.reports.rows import rows


class Sort(StrEnum):
    """In which order apps are shown."""

    EXPIRY = "expiry"  # what expires soonest, then what lacks most
    MISSING = "missing"
    NAME = "name"


class Choice(NamedTuple):
    """Which part of the coverage is looked at.

    Attributes:
        from_date: First usage date.
        to_date: Last usage date, included.
        search: A part of an app's name or App ID, in any case; empty for all apps.
        sort: The order of apps.
        limit: How many apps.
        offset: How many apps come before them.
    """

    from_date: date
    to_date: date
    search: str
    sort: Sort
    limit: int
    offset: int


# Said beside the account's own calendar, so that the years before are skipped.
WINDOW_BEGINS = "select min(window_begins_on) as first_date from mart.vendor_account"
IN_WINDOW = "usage_date >= :window_begins_on and days_left >= 0"

WINDOW = f"""
select min(usage_date) as first_date, max(usage_date) as last_date
from mart.coverage
where {IN_WINDOW}
"""  # noqa: S608 - put together from this file's own text

CHOSEN = """
    usage_date between :from_date and :to_date
    and (position(lower(:search) in lower(app_name)) > 0 or position(lower(:search) in lower(app_id)) > 0)
"""
# What can still be had, by the account's own calendar.
OPEN = f"state not in ('collected', 'lost') and {IN_WINDOW}"

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
"""  # noqa: S608 - put together from this file's own text
MISSING_FIRST = "count(*) filter (where state <> 'collected') desc,"
ORDERS = {
    Sort.EXPIRY: f"days_left nulls last, {MISSING_FIRST}",
    Sort.MISSING: MISSING_FIRST,
    Sort.NAME: "",
}

DAYS = """
select app_id, usage_date, state, points, attempts, days_left, reason
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
"""  # noqa: S608 - put together from this file's own text

EXPIRING = f"""
select
    days_left,
    count(*) as app_days,
    count(distinct app_id) as apps,
    min(usage_date) as first_date,
    max(usage_date) as last_date
from mart.coverage
where {OPEN}
group by days_left
order by days_left
limit 3
"""  # noqa: S608 - put together from this file's own text

# Where no app-day is wanted, or none that can still be had.
NOTHING: dict[str, Any] = {
    "from_date": None,
    "to_date": None,
    "apps_in_all": 0,
    "apps": [],
    "by_date": [],
    "expiring": [],
}


def window_begins(connection: Connection) -> dict[str, date | None]:
    """Return the oldest usage date that any account is expected to show, as IN_WINDOW takes it."""
    return {"window_begins_on": rows(connection, WINDOW_BEGINS)[0]["first_date"]}


def window(connection: Connection) -> tuple[date, date] | None:
    """Return the oldest and the newest wanted usage date that can still be had; None where there is none."""
    (found,) = rows(connection, WINDOW, window_begins(connection))
    return (found["first_date"], found["last_date"]) if found["first_date"] else None


def coverage(connection: Connection, choice: Choice) -> dict[str, Any]:
    """Return apps with their days, what each date came to over all chosen apps, and what expires soonest.

    Days are usage dates of each app's account. What expires soonest is of all apps and dates.
    """
    values = {**choice._asdict(), **window_begins(connection)}
    apps = rows(connection, APPS.format(order=ORDERS[choice.sort]), values)
    # Behind the last page there is no app that could say how many there are.
    counted = apps or rows(connection, APPS.format(order=""), {**values, "limit": 1, "offset": 0})
    days = rows(connection, DAYS, {**values, "app_ids": [app["app_id"] for app in apps]})
    of_app = {app_id: list(own) for app_id, own in groupby(days, lambda day: day.pop("app_id"))}
    return {
        "from_date": choice.from_date,
        "to_date": choice.to_date,
        "apps_in_all": max((app.pop("apps_in_all") for app in counted), default=0),
        "apps": [{**app, "days": of_app[app["app_id"]]} for app in apps],
        "by_date": rows(connection, BY_DATE, values),
        "expiring": rows(connection, EXPIRING, values),
    }
