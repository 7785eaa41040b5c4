"""A month's bill by every method, beside the month before, and what a month that is not over may come to."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from agora.warehouse.reports.rows import Row, rows

METHODS = (
    "p95_kbps",
    "peak_kbps",
    "mean_daily_peak_kbps",
    "mean_daily_p95_kbps",
    "fourth_peak_kbps",
    "top_five_mean_kbps",
)
# More points can only raise these; a percentile or a mean may go either way.
AT_LEAST = ("peak_kbps", "fourth_peak_kbps", "top_five_mean_kbps")
COUNTS = ("points", "expected_points", "app_points", "expected_app_points", "days", "days_with_traffic")
FIGURES = (*METHODS, *COUNTS, "is_final")
POINTS_A_DAY = 288

SINGLE = """
select
    app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, points as app_points, expected_points as expected_app_points,
    days, days_with_traffic, is_final
from mart.billing_monthly
where month in (:month, :before)
"""

TOTAL = """
select
    null as app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, app_points, expected_app_points, days, days_with_traffic,
    is_final
from mart.billing_monthly_total
where month in (:month, :before)
"""

# Today is a date of the account's; an app that was wanted yesterday is taken to be wanted on.
APPS = """
select
    app_id,
    min(app_name) as app_name,
    max(usage_date) as last_wanted,
    max(expires_on - days_left) as today
from mart.coverage
where usage_date >= :month and usage_date < :next
group by app_id
order by app_name, app_id
"""

VOLUMES = """
select
    app_id,
    date_trunc('month', usage_date)::date as month,
    sum(volume_bytes)::bigint as volume_bytes,
    sum(points)::bigint as points,
    sum(expected_points)::bigint as expected_points
from mart.bandwidth_daily
where usage_date >= :before and usage_date < :next
group by app_id, date_trunc('month', usage_date)
"""

# Month by month between the first and the last wanted day: of each, any wanted day says that it has a bill.
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
WANTED = "select exists(select from mart.coverage where usage_date >= :month and usage_date < :next)"


def months(connection: Connection) -> list[date]:
    """Return the first days of the months that have a bill, oldest first."""
    return [row["month"] for row in rows(connection, MONTHS, {})]


def latest_month(connection: Connection) -> date:
    """Return the present month if it has a bill yet, else the last that has one, else the present one."""
    present = datetime.now(UTC).date().replace(day=1)
    if connection.execute(text(WANTED), _around(present)).scalar_one():
        return present
    return max(months(connection), default=present)


def bill(connection: Connection, month: date) -> Row:
    """Return the bill of each app and of their sum, in kbps.

    Args:
        connection: To the warehouse.
        month: Its first day.

    Returns:
        `total` (None where no day of the month is wanted) and `apps`, each a row with the figures of
        mart.billing_monthly, `status`, the same of the month `before` (None without one), the
        `change_percent` of each method (None where there is nothing to compare) and, while the month is not
        over, what it is `projected` to come to (None otherwise).
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
            **_row(single, app["app_id"], dates, app["today"]),
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
        "total": {"app_id": None, "app_name": None, **_row(total, None, dates, today)} if apps else None,
        "apps": billed,
    }


def volume(connection: Connection, month: date) -> Row:
    """Return what each app and all of them carried, in bytes; it takes every point of two months.

    Returns:
        `total` and `apps`, each with `app_id`, `volume_bytes` (None without a point), that of the month
        before, the `change_percent` of a month that is over, and what one that is not is projected to carry.
        `apps_without_points` counts the apps that the total knows nothing of.
    """
    dates = _around(month)
    sums = _by_app_and_month(rows(connection, VOLUMES, dates))
    wanted = rows(connection, APPS, dates)
    apps = [_volume(app, sums, dates) for app in wanted]
    carried = _sum(app["volume_bytes"] for app in apps)
    before = _sum(of["volume_bytes"] for (_, of_month), of in sums.items() if of_month == dates["before"])
    is_over = all(app["today"] >= dates["next"] for app in wanted)
    total = {
        "app_id": None,
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if is_over else None,
        "projected_volume_bytes": _sum(app["projected_volume_bytes"] for app in apps),
    }
    without_points = sum(app["volume_bytes"] is None for app in apps)
    return {"month": month, "total": total, "apps": apps, "apps_without_points": without_points}


def projected(so_far: Row) -> Row:
    """Return what a running month's rates may come to: the figures so far, or None where they tell nothing.

    With fewer than five days that have five points each, the top five's mean is over fewer and may yet fall.
    If there were four such days at most, there could be no more points than `most_of_four`.
    """
    most_of_four = 4 * POINTS_A_DAY + 4 * (so_far["days"] - 4)
    known = so_far if so_far["points"] > most_of_four else {**so_far, "top_five_mean_kbps": None}
    return {name: known[name] for name in METHODS}


def projected_volume(app: Row, so_far: Row, next_month: date) -> int | None:
    """Return the bytes of the whole month, if its other points are like those observed; None without any.

    Args:
        app: With the date of the account's `today` and the app's `last_wanted` day in the month.
        so_far: `volume_bytes`, `points` and `expected_points` up to yesterday.
        next_month: The day after the month's last.
    """
    if not so_far["points"]:
        return None
    goes_on = app["last_wanted"] == app["today"] - timedelta(days=1)
    to_come = POINTS_A_DAY * (next_month - app["today"]).days if goes_on else 0
    whole: int = so_far["volume_bytes"] * (so_far["expected_points"] + to_come)
    return round(whole / int(so_far["points"]))


def days_in(month: date) -> int:
    """Return how many days a month has."""
    return monthrange(month.year, month.month)[1]


def _around(month: date) -> dict[str, date]:
    """Return the first days of a month, the one before and the one after."""
    before = (month - timedelta(days=1)).replace(day=1)
    return {"before": before, "month": month, "next": month + timedelta(days=days_in(month))}


def _row(
    bills: Mapping[tuple[str | None, date], Row], app_id: str | None, dates: Mapping[str, date], today: date
) -> Row:
    of_month, of_before = bills[app_id, dates["month"]], bills.get((app_id, dates["before"]), {})
    is_over = today >= dates["next"]
    return {
        **_figures(of_month, is_over),
        "before": _figures(of_before, today >= dates["month"]) if of_before else None,
        "change_percent": {name: _change(of_month[name], of_before.get(name)) for name in METHODS},
        "projected": None if is_over else projected(of_month),
    }


def _figures(bill: Row, is_over: bool) -> Row:
    return {"status": _status(bill, is_over), **{name: bill[name] for name in FIGURES}}


def _status(bill: Row, is_over: bool) -> str:
    """Say whether the figures can still change, and whether they are over all that was to be observed."""
    if bill["is_final"]:
        return "final"
    incomplete = bill["app_points"] < bill["expected_app_points"]
    return ", ".join(["so far"] * (not is_over) + ["incomplete"] * incomplete)


def _volume(app: Row, sums: Mapping[tuple[str | None, date], Row], dates: Mapping[str, date]) -> Row:
    of_month, of_before = sums[app["app_id"], dates["month"]], sums.get((app["app_id"], dates["before"]), {})
    before = of_before.get("volume_bytes")
    is_over = app["today"] >= dates["next"]
    carried = of_month["volume_bytes"]
    return {
        "app_id": app["app_id"],
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if is_over else None,
        "projected_volume_bytes": None if is_over else projected_volume(app, of_month, dates["next"]),
    }


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else 100 * (now - before) / before


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum of the numbers there are, None where there is none."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _by_app_and_month(rows: Sequence[Row]) -> dict[tuple[str | None, date], Row]:
    return {(row["app_id"], row["month"]): row for row in rows}
