"""Report monthly and daily bandwidth over the entire stored history, and its growth per month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from math import exp, log, sqrt
from statistics import linear_regression
from typing import Any

from sqlalchemy import Connection

from agora.warehouse.reports import Row, rows
from agora.warehouse.reports.bill import is_comparable

FIGURES = ("p95_kbps", "peak_kbps")
MIN_MONTHS = 4
# The 97.5% quantiles of Student's t distribution, for 1 to 30 degrees of freedom.
T_QUANTILES = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)

KNOWN_APP = "select app_id, app_name, billing_group from mart.app where app_id = :app_id"
KNOWN_GROUP = "select from mart.app where billing_group = :billing_group limit 1"
COMMIT = "select commit_kbps from mart.billing_contract where billing_group = :billing_group"

OF_APP = {
    "month": """
select
    month as date, status, p95_kbps, peak_kbps, expected_days, calendar_days,
    points as app_points, expected_points as expected_app_points
from mart.billing_monthly
where app_id = :app_id
order by month
""",
    "day": """
select
    usage_date as date, case when points < expected_points then 'incomplete' else 'complete' end as status,
    p95_kbps, peak_kbps, points as app_points, expected_points as expected_app_points
from mart.bandwidth_daily
where app_id = :app_id
order by usage_date
""",
}
OF_SUM = """
select
    first_date as date, status, p95_kbps, peak_kbps, expected_days, calendar_days,
    app_points, expected_app_points
from mart.bandwidth_trend(:step, :billing_group)
order by first_date
"""


class Step(StrEnum):
    """The period that one row of a trend covers."""

    MONTH = "month"
    DAY = "day"


def trend(connection: Connection, step: Step, app_id: str = "", billing_group: str = "") -> Row | None:
    """Return the 95th percentile and peak of each month or day of an app, a group or all apps, oldest first.

    Args:
        connection: Connection to the warehouse.
        step: Whether a row covers a month or a day.
        app_id: The app. Empty: the sum of the group's apps.
        billing_group: The group. Empty: the sum of all apps.

    Returns:
        None if the app or the group is unknown. Otherwise, a dictionary with the names, the step and these
        keys:

        - `rows`: for each period, `date` (its first day), `status`, `is_complete`, the figures in kbps and
          the numbers of points. A month is complete if it is final and covers every calendar day. A day is
          complete if no expected point is absent.
        - `growth`: the growth of each figure per month (see the function `growth`). For days, each is None.
        - `commit_kbps`: the committed rate in the group's contract. None without a contract.
    """
    names: Row = {"app_id": None, "app_name": None, "billing_group": billing_group or None}
    found = [names]
    if app_id:
        found = rows(connection, KNOWN_APP, {"app_id": app_id})
    elif billing_group:
        found = found if rows(connection, KNOWN_GROUP, names) else []
    if not found:
        return None
    names = found[0]
    query = OF_APP[step] if names["app_id"] else OF_SUM
    shown = [
        {**row, "is_complete": _is_complete(row)} for row in rows(connection, query, {**names, "step": step})
    ]
    complete = [row for row in shown if row["is_complete"]] if step == Step.MONTH else []
    commit = [] if app_id else rows(connection, COMMIT, names)
    return {
        **names,
        "step": step,
        "commit_kbps": commit[0]["commit_kbps"] if commit else None,
        "growth": {name: growth([(row["date"], row[name]) for row in complete]) for name in FIGURES},
        "rows": shown,
    }


def _is_complete(row: Row) -> bool:
    return row["status"] == "complete" or is_comparable(row, row)


def growth(months: Sequence[tuple[date, Any]]) -> Row | None:
    """Return the growth per month, from the least-squares line through the logarithms of monthly figures.

    Args:
        months: First day and figure of each complete month.

    Returns:
        `percent`, the limits `low_percent` and `high_percent` of its 95% confidence interval, and the number
        of `months`. The interval assumes that the months deviate from the line independently. None if there
        are fewer than four months, or if a figure is zero.
    """
    if len(months) < MIN_MONTHS or not all(figure for _, figure in months):
        return None
    x = [12 * month.year + month.month for month, _ in months]
    y = [log(figure) for _, figure in months]
    slope, intercept = linear_regression(x, y)
    freedom = len(months) - 2
    residuals = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    mean = sum(x) / len(x)
    error = sqrt(residuals / freedom / sum((a - mean) ** 2 for a in x))
    # Beyond the table, this approximation is within 0.001 of the quantile.
    quantile = T_QUANTILES[freedom - 1] if freedom <= len(T_QUANTILES) else 1.96 + 2.4 / freedom
    return {
        "percent": _percent(slope),
        "low_percent": _percent(slope - quantile * error),
        "high_percent": _percent(slope + quantile * error),
        "months": len(months),
    }


def _percent(slope: float) -> float:
    return 100 * (exp(slope) - 1)
