"""mart.bandwidth_daily and mart.billing_monthly against a reference by hand, over a thousand app-months."""

from __future__ import annotations

import calendar
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg2.extras import RealDictCursor

from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import Figures, bills, figures_of_day, month_of

# 28, 29, 30 and 31 days; long over wherever it is.
MONTHS = [date(2025, 2, 1), date(2024, 2, 1), date(2025, 4, 1), date(2025, 7, 1), date(2024, 12, 1)]
KINDS = (
    "complete",
    "gaps",
    "few days",
    "one point",
    "part of the month",
    "across months",
    "never asked",
    "zeros",
)
EACH = 26
UNSOUND = ("failed", "rejected", "lost", "pending")
PAST = date(2026, 1, 1)


@dataclass
class Given:
    """An app and each of its wanted days with the grid, None where there is none."""

    app: App
    days: dict[date, Any]
    entries: list[AppDay]


def last_of(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def make(kind: str, month: date, app_id: str, rng: np.random.Generator) -> Given:
    first, last = month, last_of(month)
    if kind == "part of the month":
        first, last = (
            first + timedelta(days=int(rng.integers(0, 12))),
            last - timedelta(days=int(rng.integers(0, 12))),
        )
    elif kind == "across months":
        first, last = (
            first - timedelta(days=int(rng.integers(1, 40))),
            last + timedelta(days=int(rng.integers(1, 40))),
        )
    given = Given(App(app_id, first, last), dict.fromkeys(days_between(first, last)), [])
    asked = list(given.days)
    if kind == "across months":  # a backfill asked for days that are not wanted every night
        asked += [first - timedelta(days=5), last + timedelta(days=3)]
    elif kind == "few days":
        asked = list(rng.permutation(np.array(asked)))[: int(rng.integers(1, 5))]
    elif kind == "one point":
        asked = asked[:1]
    elif kind == "never asked":
        asked = []
    for day in asked:
        state, grid = entry(kind, rng)
        if state != "absent":
            given.days[day] = grid
            given.entries.append(AppDay(app_id, day, grid, state))
    return given


def entry(kind: str, rng: np.random.Generator) -> tuple[str, Any]:
    """Return a ledger entry's state and grid; the state of a sound day follows from its grid."""
    points = [0.0] * 288 if kind == "zeros" else traffic.values(rng)
    if kind == "one point":
        return "sound", [*points[:1], *[None] * 287]
    luck = rng.random()
    if kind in ("complete", "zeros", "part of the month") or luck < 0.6:
        return "sound", points
    if luck < 0.8:
        return "sound", traffic.with_gaps(points, rng)
    return ("absent" if luck > 0.95 else str(rng.choice(UNSOUND))), None


@pytest.fixture(scope="module")
def given(module_warehouse: Warehouse) -> list[Given]:
    rng = np.random.default_rng(20180807)
    apps = [
        make(kind, month, f"{kind} {month} {number}", rng)
        for kind in KINDS
        for month in MONTHS
        for number in range(EACH)
    ]
    module_warehouse.add_account()
    module_warehouse.add_apps(given.app for given in apps)
    module_warehouse.add_days(entry for given in apps for entry in given.entries)
    module_warehouse.run("analyze")
    return apps


def by_key(rows: list[dict[str, Any]], key: str) -> dict[tuple[str, date], Figures]:
    found = {(row["app_id"], row[key]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_given_months_have_what_bills_stumble_over(given: list[Given]) -> None:
    expected = [bill for app in given for bill in bills(app.days, PAST)]
    assert len(expected) >= 1000
    lengths = Counter(bill["expected_points"] // 288 for bill in expected)
    assert min(lengths[days] for days in (28, 29, 30, 31)) >= 100
    assert min(Counter(bill["is_final"] for bill in expected).values()) >= 200
    assert sum(0 < bill["days"] < 4 for bill in expected) >= 50
    assert sum(bill["days"] == 0 for bill in expected) >= 50
    assert sum(bill["days_with_traffic"] < bill["days"] for bill in expected) >= 100
    assert sum(bill["points"] == 1 for bill in expected) >= 20
    assert sum(bill["points"] > 0 and bill["top_five_mean_kbps"] is None for bill in expected) >= 20


def test_every_monthly_bill_equals_the_reference(module_warehouse: Warehouse, given: list[Given]) -> None:
    expected = {
        (app.app.app_id, bill["month"]): {"app_id": app.app.app_id, **bill}
        for app in given
        for bill in bills(app.days, PAST)
    }
    found = by_key(module_warehouse.rows("select * from mart.billing_monthly", role="analyst"), "month")
    assert found.keys() == expected.keys()
    wrong = [key for key in expected if found[key] != expected[key]]
    assert not wrong, (len(wrong), found[wrong[0]], expected[wrong[0]])


def test_every_daily_figure_equals_the_reference(module_warehouse: Warehouse, given: list[Given]) -> None:
    expected = {
        (app.app.app_id, day): {"app_id": app.app.app_id, "usage_date": day, **figures_of_day(grid)}
        for app in given
        for day, grid in app.days.items()
    }
    found = by_key(module_warehouse.rows("select * from mart.bandwidth_daily", role="analyst"), "usage_date")
    assert found.keys() == expected.keys()
    wrong = [key for key in expected if found[key] != expected[key]]
    assert not wrong, (len(wrong), found[wrong[0]], expected[wrong[0]])


def test_a_filter_on_app_and_month_changes_no_figure(module_warehouse: Warehouse, given: list[Given]) -> None:
    for app in given[:: len(given) // 20]:
        expected = bills(app.days, PAST)[0]
        found = module_warehouse.rows(
            "select * from mart.billing_monthly where app_id = %s and month = %s",
            (app.app.app_id, expected["month"]),
        )
        assert found == [{"app_id": app.app.app_id, **expected}]


def test_a_running_month_counts_to_yesterday_and_is_never_final(warehouse: Warehouse) -> None:
    warehouse.add_account()
    rng = np.random.default_rng(1)
    (now,) = warehouse.rows("select (now() at time zone 'UTC')::date as today")
    last_month = month_of(month_of(now["today"]) - timedelta(days=1))
    # To tomorrow: a day that was asked for before it was over is none of the bill's, even if midnight passes.
    days = days_between(last_month, now["today"] + timedelta(days=1))
    complete: dict[date, Any] = {day: traffic.values(rng) for day in days}
    asked = {
        "closed": {last_month: complete[last_month]},
        "gap": {**complete, days[1]: None, days[-3]: None},
        "open": complete,
    }
    warehouse.add_apps([App(app_id, last_month, max(asked[app_id])) for app_id in asked])
    warehouse.add_days(AppDay(app_id, day, grid) for app_id in asked for day, grid in asked[app_id].items())
    with (
        warehouse.connect("analyst") as connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        cursor.execute("begin")
        cursor.execute("select (now() at time zone 'UTC')::date as today")
        today = cursor.fetchall()[0]["today"]
        cursor.execute("select * from mart.billing_monthly order by app_id, month")
        found = [dict(row) for row in cursor.fetchall()]
    assert found == [{"app_id": app_id, **bill} for app_id in asked for bill in bills(asked[app_id], today)]
    final = {bill["app_id"]: bill["is_final"] for bill in found if bill["month"] == last_month}
    assert final == {"closed": True, "gap": False, "open": True}
    assert not any(bill["is_final"] for bill in found if bill["month"] > last_month)
