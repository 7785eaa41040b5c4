"""Holds the bills against the reference, from whatever points there are, all seen at one moment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from tests.warehouse.database import days_between
from tests.warehouse.reference import Figures, bills, total_bills

APPS = """
select app.app_id, app.kept_since, account.timezone, now() as now
from core.app inner join core.vendor_account as account using (conn_id)
"""
PERIODS = """
select app.app_id, lower(period) as first, coalesce(upper(period), current_date + 2) - 1 as last
from core.app cross join lateral unnest(app.wanted) as period
"""
APP_DAYS = """
select app.app_id, app_day.usage_date, app_day.starts_at, app_day.kbps
from core.app_day inner join core.app using (app_key)
"""

LONG_AGO = datetime.min.replace(tzinfo=UTC)  # a day without points starts nowhere


@dataclass
class Seen:
    """What one look found.

    Attributes:
        wrong: Bills that are not what their points give, each with what they should be.
        bills: How many were looked at.
        stored: How many app-months and days the bills could take as stored.
        noted: How many changes were noted.
    """

    wrong: list[Any] = field(default_factory=list)
    bills: int = 0
    stored: tuple[int, int] = (0, 0)
    noted: int = 0


def look(connection: extensions.connection) -> Seen:
    """Compare every bill with the reference, in one snapshot.

    Args:
        connection: To the warehouse as its owner, in autocommit.
    """
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("begin isolation level repeatable read read only")
        asked = _rows(cursor, APP_DAYS)
        wanted, today = _wanted(_rows(cursor, APPS), _rows(cursor, PERIODS), asked)
        monthly = _rows(cursor, "select * from mart.billing_monthly order by app_id, month")
        total = _rows(cursor, "select * from mart.billing_monthly_total order by month")
        (counts,) = _rows(
            cursor,
            "select (select count(*) from core.fresh_month_p95) as months,"
            " (select count(*) from core.fresh_day_sum) as days,"
            " (select count(*) from core.changed_app_day) as noted",
        )
        cursor.execute("commit")
    wanted_days = {
        app_id: {day: grid for day, (_, grid) in days.items()} for app_id, days in sorted(wanted.items())
    }
    expected = [
        {"app_id": app_id, **bill}
        for app_id, days in wanted_days.items()
        for bill in bills(days, today[app_id])
    ]
    app_days = [
        (app_id, day, starts_at, grid)
        for app_id, days in wanted.items()
        for day, (starts_at, grid) in days.items()
    ]
    expected_total = total_bills(app_days, min(today.values())) if app_days else []
    return Seen(
        _differing(monthly, expected) + _differing(total, expected_total),
        len(monthly) + len(total),
        (counts["months"], counts["days"]),
        counts["noted"],
    )


def _rows(cursor: RealDictCursor, query: str) -> list[dict[str, Any]]:
    cursor.execute(query)
    return [dict(row) for row in cursor.fetchall()]


def _wanted(
    apps: list[dict[str, Any]], periods: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> tuple[dict[str, dict[date, tuple[datetime, Any]]], dict[str, date]]:
    """Return each app's wanted days up to yesterday with start and grid, and its today."""
    today = {app["app_id"]: app["now"].astimezone(ZoneInfo(app["timezone"])).date() for app in apps}
    kept_since = {app["app_id"]: app["kept_since"] or date.min for app in apps}
    days: dict[str, dict[date, tuple[datetime, Any]]] = defaultdict(dict)
    for period in periods:
        app_id = period["app_id"]
        first = max(period["first"], kept_since[app_id])
        for day in days_between(first, min(period["last"], today[app_id] - timedelta(days=1))):
            days[app_id][day] = (LONG_AGO, None)
    for row in asked:
        if row["usage_date"] < today[row["app_id"]]:
            days[row["app_id"]][row["usage_date"]] = (row["starts_at"], row["kbps"])
    return days, today


def _differing(found: list[Figures], expected: list[Figures]) -> list[Any]:
    if len(found) != len(expected):
        return [("found and expected", len(found), len(expected))]
    return [(row, meant) for row, meant in zip(found, expected, strict=True) if row != meant]
