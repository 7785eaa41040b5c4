"""Reports a month's bill by every method, the previous month's bill, and projections for a running month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from sqlalchemy import Connection, text

from agora.domain import BILLING_METHODS, SLOTS_PER_DAY
from agora.warehouse.reports import Row, rows

METHODS = BILLING_METHODS
# Further points can only raise these figures. A percentile or a mean may rise or fall.
AT_LEAST = ("peak_kbps", "fourth_peak_kbps", "top_five_mean_kbps")
COUNTS = (
    "points",
    "expected_points",
    "app_points",
    "expected_app_points",
    "calendar_days",
    "expected_days",
    "days",
    "days_with_traffic",
)
FIGURES = ("status", *METHODS, *COUNTS, "is_final")

Bills = dict[tuple[str | None, date], Row]
Number = TypeVar("Number", float, Decimal)

SINGLE = """
select
    app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, points as app_points, expected_points as expected_app_points,
    calendar_days, expected_days, days, days_with_traffic, status, is_final
from mart.billing_monthly
where month in (:month, :before)
"""

TOTAL = """
select
    null as app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, app_points, expected_app_points,
    calendar_days, expected_days, days, days_with_traffic, status, is_final
from mart.billing_monthly_total
where month in (:month, :before)
"""

# Today is a date in the account's time zone.
APPS = """
select
    app_id,
    min(app_name) as app_name,
    max(expires_on - days_left) as today
from mart.coverage
where usage_date >= :month and usage_date < :next
group by app_id
order by app_name, app_id
"""

# The rates are left out, because they take longer.
STATUSES = """
select app_id, month, status, calendar_days, expected_days
from mart.billing_monthly
where month in (:month, :before)
union all
select null as app_id, month, status, calendar_days, expected_days
from mart.billing_monthly_total
where month in (:month, :before)
"""

VOLUMES = """
select
    app_id,
    date_trunc('month', usage_date)::date as month,
    sum(volume_bytes) as volume_bytes,
    sum(points) as points,
    sum(expected_points) as expected_points
from mart.bandwidth_daily
where usage_date >= :before and usage_date < :next
group by app_id, date_trunc('month', usage_date)
"""

# A month has a bill if any of its days is expected.
MONTHS = """
select month::date as month
from (
    select
        date_trunc('month', min(first_date)) as first_month,
        date_trunc('month', max(last_date)) as last_month
    from mart.app
) as range
cross join lateral generate_series(first_month, last_month, '1 month') as month
where exists (
    select from mart.coverage where usage_date >= month and usage_date < month + interval '1 month'
)
order by month
"""
HAS_BILL = "select exists(select from mart.coverage where usage_date >= :month and usage_date < :next)"


def months(connection: Connection) -> list[date]:
    """Return the first day of each month that has a bill, oldest first."""
    return [row["month"] for row in rows(connection, MONTHS, {})]


def latest_month(connection: Connection) -> date:
    """Return the current month if it has a bill, otherwise the latest month that has one."""
    present = datetime.now(UTC).date().replace(day=1)
    if connection.execute(text(HAS_BILL), _around(present)).scalar_one():
        return present
    return max(months(connection), default=present)


def bill(connection: Connection, month: date) -> Row:
    """Return the bills for each app and for the sum of all apps, in kbps.

    Args:
        connection: Connection to the warehouse.
        month: First day of the month.

    Returns:
        `total` (None if no day of the month is expected) and `apps`. Each bill has the figures of
        mart.billing_monthly, those of the previous month in `before` (None if it has no bill), the
        `change_percent` of each method (None if the two months are not comparable) and the `projected`
        figures (None unless the month is running).
    """
    dates = _around(month)
    apps = rows(connection, APPS, dates)
    single = _by_app_and_month(rows(connection, SINGLE, dates))
    total = _by_app_and_month(rows(connection, TOTAL, dates)) if apps else {}
    today = min((app["today"] for app in apps), default=datetime.now(UTC).date())
    billed = [
        {
            "app_id": app["app_id"],
            "app_name": app["app_name"],
            **_row(single, app["app_id"], dates),
        }
        for app in apps
    ]
    return {
        "month": month,
        "month_before": dates["before"],
        "is_over": today >= dates["next"],
        "days_over": max(0, min((today - month).days, days_in(month))),
        "days_in_month": days_in(month),
        "at_least": AT_LEAST,
        "total": {"app_id": None, "app_name": None, **_row(total, None, dates)} if apps else None,
        "apps": billed,
    }


def volume(connection: Connection, month: date) -> Row:
    """Return the traffic of each app and of all apps together, in bytes. Reads every point of two months.

    Returns:
        `total` and `apps`, each with `app_id`, `volume_bytes` (a whole Decimal of any size; None if there are
        no points), the volume of the previous month, the `change_percent` (None if the two months are not
        comparable) and `projected_volume_bytes` (None unless the month is running). `apps_without_points`
        is the number of apps that are missing from the total.
    """
    dates = _around(month)
    sums = _by_app_and_month(rows(connection, VOLUMES, dates))
    statuses = _by_app_and_month(rows(connection, STATUSES, dates))
    apps = [_volume(app["app_id"], sums, statuses, dates) for app in rows(connection, APPS, dates)]
    carried = _sum(app["volume_bytes"] for app in apps)
    before = _sum(of["volume_bytes"] for (_, of_month), of in sums.items() if of_month == dates["before"])
    total = {
        "app_id": None,
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if _is_comparable(statuses, None, dates) else None,
        "projected_volume_bytes": _sum(app["projected_volume_bytes"] for app in apps),
    }
    without_points = sum(app["volume_bytes"] is None for app in apps)
    return {"month": month, "total": total, "apps": apps, "apps_without_points": without_points}


def projected(so_far: Row) -> Row:
    """Return the projected rates for a running month, which are the rates so far.

    If fewer than five days have at least five points, the mean of the top five covers fewer values and may
    still fall, so it is None. `most_of_four` is the largest number of points that four such days allow.
    """
    most_of_four = 4 * SLOTS_PER_DAY + 4 * (so_far["days"] - 4)
    known = so_far if so_far["points"] > most_of_four else {**so_far, "top_five_mean_kbps": None}
    return {name: known[name] for name in METHODS}


def projected_volume(so_far: Row, expected_days: int) -> Decimal | None:
    """Return the month's projected volume in bytes, if the missing points resemble the observed ones.

    Args:
        so_far: `volume_bytes` and `points` up to yesterday. The result is None without points.
        expected_days: Number of expected days in the month, including future days.
    """
    if not so_far["points"]:
        return None
    points = SLOTS_PER_DAY * expected_days
    return Decimal(round(Fraction(int(so_far["volume_bytes"]) * points, int(so_far["points"]))))


def is_comparable(month: Row, before: Row | None) -> bool:
    """Return whether both months are final and cover their whole calendar months."""
    return before is not None and all(
        bill["status"] == "final" and bill["expected_days"] == bill["calendar_days"]
        for bill in (month, before)
    )


def days_in(month: date) -> int:
    """Return the number of days in a month."""
    return monthrange(month.year, month.month)[1]


def _around(month: date) -> dict[str, date]:
    """Return the first days of a month, of the previous month and of the next month."""
    before = (month - timedelta(days=1)).replace(day=1)
    return {"before": before, "month": month, "next": month + timedelta(days=days_in(month))}


def _row(bills: Bills, app_id: str | None, dates: Mapping[str, date]) -> Row:
    of_month, of_before = bills[app_id, dates["month"]], bills.get((app_id, dates["before"]), {})
    compared = of_before if _is_comparable(bills, app_id, dates) else {}
    return {
        **_figures(of_month),
        "before": _figures(of_before) if of_before else None,
        "change_percent": {name: _change(of_month[name], compared.get(name)) for name in METHODS},
        "projected": projected(of_month) if of_month["status"] == "running" else None,
    }


def _figures(bill: Row) -> Row:
    return {name: bill[name] for name in FIGURES}


def _is_comparable(bills: Bills, app_id: str | None, dates: Mapping[str, date]) -> bool:
    of_month = bills.get((app_id, dates["month"]))
    return of_month is not None and is_comparable(of_month, bills.get((app_id, dates["before"])))


def _volume(app_id: str, sums: Bills, statuses: Bills, dates: Mapping[str, date]) -> Row:
    of_month, of_before = sums[app_id, dates["month"]], sums.get((app_id, dates["before"]), {})
    bill = statuses[app_id, dates["month"]]
    carried, before = of_month["volume_bytes"], of_before.get("volume_bytes")
    is_running = bill["status"] == "running"
    return {
        "app_id": app_id,
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if _is_comparable(statuses, app_id, dates) else None,
        "projected_volume_bytes": projected_volume(of_month, bill["expected_days"]) if is_running else None,
    }


def _change(now: Number | None, before: Number | None) -> float | None:
    return None if now is None or not before else float(100 * (now - before) / before)


def _sum(volumes: Iterable[Decimal | None]) -> Decimal | None:
    """Return the exact sum of the known volumes, or None if no volume is known."""
    known = [int(volume) for volume in volumes if volume is not None]
    return Decimal(sum(known)) if known else None


def _by_app_and_month(rows: Sequence[Row]) -> Bills:
    return {(row["app_id"], row["month"]): row for row in rows}
