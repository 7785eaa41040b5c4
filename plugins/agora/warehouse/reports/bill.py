"""Report a month's bill by every method, the previous month's bill, projections and contract statements."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, TypeVar

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


class Choice(NamedTuple):
    """The apps that a bill covers. The default is every app.

    Attributes:
        billing_group: Only the apps of this billing group.
        search: Only the apps whose name or App ID contains this string.
    """

    billing_group: str = ""
    search: str = ""


EVERY_APP = Choice()

CHOSEN = """
select app_id
from mart.app
where
    (:billing_group = '' or billing_group = :billing_group)
    and (position(lower(:search) in lower(app_name)) > 0 or position(lower(:search) in lower(app_id)) > 0)
"""

SINGLE = """
select
    app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, points as app_points, expected_points as expected_app_points,
    calendar_days, expected_days, days, days_with_traffic, status, is_final
from mart.billing_monthly
where month in (:month, :before) and (cast(:app_ids as text[]) is null or app_id = any(:app_ids))
"""

_SUM = """
    null as app_id, month, p95_kbps, peak_kbps, mean_daily_peak_kbps, mean_daily_p95_kbps, fourth_peak_kbps,
    top_five_mean_kbps, points, expected_points, app_points, expected_app_points,
    calendar_days, expected_days, days, days_with_traffic, status, is_final
"""
TOTAL = f"""
select {_SUM} from mart.billing_monthly_total where month in (:month, :before)
"""  # noqa: S608 - composed from this file's constants
# The sum of a billing group or of any apps. Group sums are stored, so app_ids is null for a group.
SUBTOTAL = f"""
select {_SUM}
from (values (cast(:before as date), cast(:month as date)), (:month, :next)) as period (month, next_month)
cross join lateral mart.billing_between(
    period.month, period.next_month - 1, cast(:app_ids as text[]), cast(:billing_group as text), true
)
"""  # noqa: S608 - composed from this file's constants

# Today is a date in the account's time zone.
APPS = """
select
    coverage.app_id,
    min(coverage.app_name) as app_name,
    min(app.billing_group) as billing_group,
    max(coverage.expires_on - coverage.days_left) as today
from mart.coverage as coverage
inner join mart.app as app on coverage.app_id = app.app_id
where
    coverage.usage_date >= :month and coverage.usage_date < :next
    and (cast(:app_ids as text[]) is null or coverage.app_id = any(:app_ids))
group by coverage.app_id
order by app_name, app_id
"""

VOLUMES = """
select
    app_id,
    date_trunc('month', usage_date)::date as month,
    sum(volume_bytes) as volume_bytes,
    sum(points) as points,
    sum(expected_points) as expected_points
from mart.bandwidth_daily
where
    usage_date >= :before and usage_date < :next
    and (cast(:app_ids as text[]) is null or app_id = any(:app_ids))
group by app_id, date_trunc('month', usage_date)
"""

STATEMENTS = """
select
    billing_group, month, period_start, period_end, method, status, billable_kbps, commit_kbps, overage_kbps,
    amount, currency, projected_kbps, projected_amount, days_until_commit
from mart.billing_statement
where month = :month and (:billing_group = '' or billing_group = :billing_group)
order by billing_group
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


def billing_groups(connection: Connection) -> list[str]:
    """Return the billing groups of the apps, in alphabetical order."""
    query = "select distinct billing_group from mart.app order by billing_group"
    return [row["billing_group"] for row in rows(connection, query)]


def bill(connection: Connection, month: date, choice: Choice = EVERY_APP) -> Row:
    """Return the bill for each chosen app and for the sum of the chosen apps, in kbps.

    Args:
        connection: Connection to the warehouse.
        month: First day of the month.
        choice: The apps to include.

    Returns:
        `total` (None if no day of the month is expected) and `apps`. Each bill has the figures of
        mart.billing_monthly, those of the previous month in `before` (None if it has no bill), the
        `change_percent` of each method (None if the two months are not comparable) and the `projected`
        figures (None unless the month is running). The points of `total` are summed per interval and then
        ranked.
    """
    dates = _around(month)
    app_ids = _chosen(connection, choice)
    apps = rows(connection, APPS, {**dates, "app_ids": app_ids})
    single = _by_app_and_month(rows(connection, SINGLE, {**dates, "app_ids": app_ids}))
    total = _by_app_and_month(_totals(connection, dates, choice, app_ids)) if apps else {}
    today = min((app["today"] for app in apps), default=datetime.now(UTC).date())
    names = ("app_id", "app_name", "billing_group")
    billed = [{**{name: app[name] for name in names}, **_row(single, app["app_id"], dates)} for app in apps]
    return {
        "month": month,
        "month_before": dates["before"],
        "is_over": today >= dates["next"],
        "days_over": max(0, min((today - month).days, days_in(month))),
        "days_in_month": days_in(month),
        "at_least": AT_LEAST,
        **choice._asdict(),
        "total": {**dict.fromkeys(names), **_row(total, None, dates)} if apps else None,
        "apps": billed,
    }


def volume(connection: Connection, bill: Row) -> Row:
    """Return the traffic of a bill's apps and their total, in bytes. This reads every point of two months.

    Args:
        connection: Connection to the warehouse.
        bill: The result of `bill`.

    Returns:
        `total` and `apps`, each with `app_id`, `volume_bytes` (a whole Decimal of any size; None if there are
        no points), the volume of the previous month, the `change_percent` (None if the two months are not
        comparable) and `projected_volume_bytes` (None unless the month is running). `apps_without_points`
        is the number of apps that are missing from the total.
    """
    dates = _around(bill["month"])
    app_ids = _chosen(connection, Choice(bill["billing_group"], bill["search"]))
    sums = _by_app_and_month(rows(connection, VOLUMES, {**dates, "app_ids": app_ids}))
    apps = [_volume(app, sums, dates) for app in bill["apps"]]
    carried = _sum(app["volume_bytes"] for app in apps)
    before = _sum(of["volume_bytes"] for (_, of_month), of in sums.items() if of_month == dates["before"])
    total = {
        "app_id": None,
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if _has_comparison(bill["total"]) else None,
        "projected_volume_bytes": _sum(app["projected_volume_bytes"] for app in apps),
    }
    without_points = sum(app["volume_bytes"] is None for app in apps)
    return {"month": bill["month"], "total": total, "apps": apps, "apps_without_points": without_points}


def statements(connection: Connection, month: date, billing_group: str = "") -> list[Row]:
    """Return the statements for the billing periods that begin in a month, of one or all billing groups."""
    return rows(connection, STATEMENTS, {"month": month, "billing_group": billing_group})


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


def _chosen(connection: Connection, choice: Choice) -> list[str] | None:
    """Return the chosen App IDs, or None for every app."""
    if choice == EVERY_APP:
        return None
    return [row["app_id"] for row in rows(connection, CHOSEN, choice._asdict())]


def _totals(
    connection: Connection, dates: Mapping[str, date], choice: Choice, app_ids: list[str] | None
) -> list[Row]:
    if choice == EVERY_APP:
        return rows(connection, TOTAL, dates)
    of_group = {"app_ids": None, "billing_group": choice.billing_group}
    of_apps = {"app_ids": app_ids, "billing_group": None}
    return rows(connection, SUBTOTAL, {**dates, **(of_apps if choice.search else of_group)})


def _row(bills: Bills, app_id: str | None, dates: Mapping[str, date]) -> Row:
    of_month, of_before = bills[app_id, dates["month"]], bills.get((app_id, dates["before"]))
    compared = of_before if of_before and is_comparable(of_month, of_before) else {}
    return {
        **_figures(of_month),
        "before": _figures(of_before) if of_before else None,
        "change_percent": {name: _change(of_month[name], compared.get(name)) for name in METHODS},
        "projected": projected(of_month) if of_month["status"] == "running" else None,
    }


def _figures(bill: Row) -> Row:
    return {name: bill[name] for name in FIGURES}


def _has_comparison(bill: Row | None) -> bool:
    return bill is not None and is_comparable(bill, bill["before"])


def _volume(bill: Row, sums: Bills, dates: Mapping[str, date]) -> Row:
    app_id = bill["app_id"]
    of_month, of_before = sums[app_id, dates["month"]], sums.get((app_id, dates["before"]), {})
    carried, before = of_month["volume_bytes"], of_before.get("volume_bytes")
    is_running = bill["status"] == "running"
    return {
        "app_id": app_id,
        "volume_bytes": carried,
        "before_volume_bytes": before,
        "change_percent": _change(carried, before) if _has_comparison(bill) else None,
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
