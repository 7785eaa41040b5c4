"""Compare the bills with the reference, computed from the stored points in the same snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from tests.warehouse.database import days_between
from tests.warehouse.reference import Expected, Figures, bills, total_bills

APPS = """
select
    app.app_id, app.name, app.kept_since, app.collect_from, app.collect_until, account.timezone,
    mart.clock() as now
from core.app inner join core.vendor_account as account using (conn_id)
"""
PERIODS = """
select app.app_id, lower(period) as first, coalesce(upper(period), mart.clock()::date + 63) - 1 as last
from core.app cross join lateral unnest(app.wanted) as period
"""
APP_DAYS = """
select app.app_id, app_day.usage_date, app_day.starts_at, app_day.kbps
from core.app_day inner join core.app using (app_key)
"""

LONG_AGO = datetime.min.replace(tzinfo=UTC)  # the start of a day without points


@dataclass
class Comparison:
    """Result of a comparison.

    Attributes:
        wrong: Bills that differ from the reference, each with the expected bill.
        bills: Number of compared bills.
        stored: Number of stored app-months and number of stored days that the bills could use.
        noted: Number of noted changes.
    """

    wrong: list[Any] = field(default_factory=list)
    bills: int = 0
    stored: tuple[int, int] = (0, 0)
    noted: int = 0


def compare_bills(connection: extensions.connection) -> Comparison:
    """Compare every bill with the reference, in one snapshot.

    Args:
        connection: The owner's autocommit connection to the warehouse.
    """
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("begin isolation level repeatable read read only")
        configured = _rows(cursor, APPS)
        apps = _expected(configured, _rows(cursor, PERIODS), _rows(cursor, APP_DAYS))
        monthly = _rows(cursor, "select * from mart.billing_monthly order by app_id, month")
        total = _rows(cursor, "select * from mart.billing_monthly_total order by month")
        (counts,) = _rows(
            cursor,
            "select (select count(*) from core.fresh_month_p95) as months,"
            " (select count(*) from core.fresh_day_sum where billing_group = '') as days,"
            " (select count(*) from core.changed_app_day) as noted",
        )
        cursor.execute("commit")
    names = {app["app_id"]: app["name"] for app in configured}
    expected = [
        {"app_id": app_id, "app_name": names[app_id], **bill}
        for app_id, (app, _) in sorted(apps.items())
        for bill in bills(app)
    ]
    expected_total = total_bills(
        {app_id: app for app_id, (app, _) in apps.items()},
        lambda app_id, day: apps[app_id][1].get(day, LONG_AGO),
    )
    return Comparison(
        _differing(monthly, expected) + _differing(total, expected_total),
        len(monthly) + len(total),
        (counts["months"], counts["days"]),
        counts["noted"],
    )


def _rows(cursor: RealDictCursor, query: str) -> list[dict[str, Any]]:
    cursor.execute(query)
    return [dict(row) for row in cursor.fetchall()]


def _expected(
    apps: list[dict[str, Any]], periods: list[dict[str, Any]], recorded: list[dict[str, Any]]
) -> dict[str, tuple[Expected, dict[date, datetime]]]:
    """Return each app's expected days, and the starts of its recorded days."""
    found = {}
    for app in apps:
        today = app["now"].astimezone(ZoneInfo(app["timezone"])).date()
        kept_since = app["kept_since"] or date.min
        days: dict[date, Any] = {}
        for period in periods:
            if period["app_id"] == app["app_id"]:
                days |= dict.fromkeys(days_between(max(period["first"], kept_since), period["last"]))
        own = {row["usage_date"]: row for row in recorded if row["app_id"] == app["app_id"]}
        days |= {
            day: row["kbps"]
            for day, row in own.items()
            if day < today and (day in days or _has_points(row["kbps"]))
        }
        starts_at = {day: row["starts_at"] for day, row in own.items()}
        expected = Expected(days, today, app["collect_from"], app["collect_until"])
        found[app["app_id"]] = (expected, starts_at)
    return found


def _has_points(kbps: list[float | None] | None) -> bool:
    return kbps is not None and any(point is not None for point in kbps)


def _differing(found: list[Figures], expected: list[Figures]) -> list[Any]:
    if len(found) != len(expected):
        return [("found and expected", len(found), len(expected))]
    return [(row, bill) for row, bill in zip(found, expected, strict=True) if row != bill]
