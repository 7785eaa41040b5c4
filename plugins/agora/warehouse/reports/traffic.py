"""Reports the five-minute points of apps or of their sum, with figures for the range and for each day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, text

from agora.domain import SLOTS_PER_DAY
from agora.warehouse.reports import rows
from agora.warehouse.reports.point_sums import Sums

DEFAULT_DAYS = 31
# The usage dates of one instant in two accounts are at most two days apart (UTC-12 and UTC+14).
ZONES_APART = timedelta(days=2)

YESTERDAY = "select max((mart.clock() at time zone timezone)::date) - 1 as yesterday from mart.vendor_account"

FOUND = """
and (position(lower(:search) in lower(app_name)) > 0 or position(lower(:search) in lower(app_id)) > 0)
"""
APPS = f"""
select app_id, app_name, conn_id, first_date, last_date, count(*) over () as apps_in_all
from mart.app
where true {FOUND}
order by app_name, app_id
limit :limit
"""  # noqa: S608 - composed from this file's constants

LARGEST = """
select app_id
from mart.billing_monthly
where month between date_trunc('month', cast(:from_date as date)) and :to_date
group by app_id
order by max(p95_kbps) desc nulls last, app_id
limit 1
"""

KNOWN = "select app_id, app_name, conn_id, timezone from mart.app where app_id = any(:app_ids)"

# Days are counted from from_date. Points of `today` do not count yet.
EXPECTED = """
select
    account.timezone,
    cast(
        extract(epoch from cast(:from_date as timestamp) at time zone account.timezone) as bigint
    ) as starts_at,
    (mart.clock() at time zone account.timezone)::date as today,
    coverage.app_id,
    array_agg(coverage.usage_date - cast(:from_date as date)) as days
from mart.coverage as coverage
inner join mart.vendor_account as account on coverage.conn_id = account.conn_id
where
    coverage.usage_date between cast(:from_date as date) - 2 and cast(:to_date as date) + 2
    and (cast(:app_ids as text[]) is null or coverage.app_id = any(:app_ids))
group by account.timezone, coverage.app_id
order by account.timezone
"""

# Grouped only by the instant. Grouping by the usage date, too, would sort all points on disk.
POINTS = """
select
    cast(floor((extract(epoch from interval_start) - :starts_at) / 86400) as integer) as day,
    cast(extract(epoch from interval_start) as bigint) as starts_at,
    sum(kbps) as kbps,
    count(*) as apps
from mart.bandwidth_5min
where usage_date between :first_date and :last_date and app_id = any(:app_ids)
group by interval_start
"""

TOTALS = """
select
    usage_date - cast(:from_date as date) as day,
    cast(extract(epoch from interval_start) as bigint) as starts_at,
    cast(kbps as double precision) as kbps,
    apps
from mart.bandwidth_5min_total
where usage_date between :first_date and :last_date
"""

STATES = """
select state, count(*) as app_days, sum(points) as points
from mart.coverage
where
    usage_date between :from_date and :to_date
    and (cast(:app_ids as text[]) is null or app_id = any(:app_ids))
group by state
order by state
"""

EXTENT = """
select min(first_date) as first_date, max(last_date) as last_date
from mart.app
where cast(:app_ids as text[]) is null or app_id = any(:app_ids)
"""

ACCOUNTS = """
select conn_id, timezone
from mart.vendor_account
where cast(:conn_ids as text[]) is null or conn_id = any(:conn_ids)
order by conn_id
"""


def dates(connection: Connection, from_date: date | None, to_date: date | None) -> tuple[date, date]:
    """Fill in the missing ends of a range of usage dates. By default, it covers 31 days up to yesterday."""
    if to_date is None:
        # Without an account there is no data, so any date will do.
        to_date = rows(connection, YESTERDAY, {})[0]["yesterday"] or date(2000, 1, DEFAULT_DAYS)
    return from_date or to_date - timedelta(days=DEFAULT_DAYS - 1), to_date


def apps(connection: Connection, search: str, limit: int) -> dict[str, Any]:
    """Return apps whose name or App ID contains the search text, by name, with their first and last days."""
    found = rows(connection, APPS, {"search": search, "limit": limit})
    return {"apps_in_all": max((app.pop("apps_in_all") for app in found), default=0), "apps": found}


def traffic(
    connection: Connection, app_ids: Sequence[str], is_sum: bool, from_date: date, to_date: date
) -> dict[str, Any]:
    """Return one series per app, or one series for the sum of the apps.

    Args:
        connection: Connection in a transaction that uses one snapshot for all queries.
        app_ids: The apps. Empty means all apps if `is_sum` is true, otherwise the app with the largest bill.
        is_sum: Whether the apps are summed point by point.
        from_date: First usage date.
        to_date: Last usage date, inclusive.
    """
    chosen = list(app_ids)
    if not chosen and not is_sum:
        largest = rows(connection, LARGEST, {"from_date": from_date, "to_date": to_date})
        chosen = [app["app_id"] for app in largest]
    apps = {app["app_id"]: app for app in rows(connection, KNOWN, {"app_ids": chosen})}
    known = [app_id for app_id in chosen if app_id in apps]
    if is_sum:
        series = [_series(connection, known if chosen else None, from_date, to_date)]
    else:
        series = [{**apps[app_id], **_series(connection, [app_id], from_date, to_date)} for app_id in known]
    conn_ids = list({app["conn_id"] for app in apps.values()})
    return {
        "from_date": from_date,
        "to_date": to_date,
        "is_sum": is_sum,
        **rows(connection, EXTENT, {"app_ids": known if chosen else None})[0],
        "accounts": rows(connection, ACCOUNTS, {"conn_ids": conn_ids if chosen else None}),
        "chosen_apps": [apps[app_id] for app_id in known],
        "unknown_app_ids": [app_id for app_id in chosen if app_id not in apps],
        "series": series,
    }


def _series(
    connection: Connection, app_ids: list[str] | None, from_date: date, to_date: date
) -> dict[str, Any]:
    """Return the sum of the given apps, or of all apps if `app_ids` is None."""
    values = {"app_ids": app_ids, "from_date": from_date, "to_date": to_date}
    zones = [list(apps) for _, apps in groupby(rows(connection, EXPECTED, values), itemgetter("timezone"))]
    sums = Sums(from_date, to_date, [apps[0]["starts_at"] for apps in zones])
    margin = ZONES_APART if len(zones) > 1 else timedelta()
    around = {"first_date": from_date - margin, "last_date": to_date + margin}
    for apps in zones:
        starts_at, today = apps[0]["starts_at"], apps[0]["today"]
        sums.expect(starts_at, [app["days"] for app in apps], (today - from_date).days)
        if app_ids is not None:
            of_zone = {
                "starts_at": starts_at,
                "app_ids": [app["app_id"] for app in apps],
                "first_date": around["first_date"],
                "last_date": min(around["last_date"], today - timedelta(days=1)),
            }
            sums.add([tuple(row) for row in connection.execute(text(POINTS), of_zone)])
    if app_ids is None:
        totals = connection.execute(text(TOTALS), {"from_date": from_date, **around})
        sums.add([tuple(row) for row in totals])
    states = rows(connection, STATES, values)
    return {
        "apps": len({app["app_id"] for apps in zones for app in apps}),
        "app_points": sum(state["points"] for state in states),
        "expected_app_points": SLOTS_PER_DAY * sum(state["app_days"] for state in states),
        "app_days_by_state": {state["state"]: state["app_days"] for state in states},
        **sums.series(),
    }
