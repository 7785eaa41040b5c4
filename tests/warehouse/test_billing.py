"""mart.bandwidth_daily and mart.billing_monthly match a reference implementation for 1,000 app-months."""

from __future__ import annotations

import calendar
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from psycopg2.extras import RealDictCursor

from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between, named
from tests.warehouse.reference import Expected, Figures, bills, figures_of_day, month_of

# Months of 28, 29, 30 and 31 days that have ended in every time zone.
MONTHS = [date(2025, 2, 1), date(2024, 2, 1), date(2025, 4, 1), date(2025, 7, 1), date(2024, 12, 1)]
KINDS = (
    "complete",
    "gaps",
    "few days",
    "one point",
    "part of the month",
    "across months",
    "never requested",
    "zeros",
    "removed",
    "returning",
    "collect from",
    "collect until",
    "collect from and until",
    "first seen after collect from",
    "cut by retention",
    "backfilled outside",
    "backfilled before collect from",
)
EACH = 13
UNSOUND = ("failed", "rejected")
# The days of these kinds are complete, so the status depends on which days are expected.
WHOLE = ("complete", "zeros", "part of the month", *KINDS[8:])
PAST = date(2026, 1, 1)


@dataclass
class Given:
    """An app with its expected days and its ledger entries."""

    app_id: str
    periods: list[tuple[date, date]]
    requested: list[date]
    collect_from: date | None = None
    collect_until: date | None = None
    kept_since: date | None = None
    days: dict[date, Any] = field(default_factory=dict)
    entries: list[AppDay] = field(default_factory=list)

    @cached_property
    def bills(self) -> list[Figures]:
        return bills(Expected(self.days, PAST, self.collect_from, self.collect_until))


def last_of(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def periods_of(kind: str, month: date, rng: np.random.Generator) -> list[tuple[date, date]]:
    """Return the first and last days of the periods in which an app is configured."""
    first, last = month, last_of(month)
    early, late = (timedelta(days=int(days)) for days in rng.integers(1, 12, 2))
    before, after = (timedelta(days=int(days)) for days in rng.integers(1, 40, 2))
    match kind:
        case "part of the month":
            return [(first + early - timedelta(days=1), last - late + timedelta(days=1))]
        case "across months" | "cut by retention":
            return [(first - before, last + after)]
        case "removed":
            return [(first - before, last - late)]
        case "returning":
            return [(first, first + early), (last - late, last)]
        case "collect from":
            return [(first + early, last)]
        case "collect until":
            return [(first, last - late)]
        case "collect from and until":
            return [(first + early, last - late)]
        case "first seen after collect from" | "backfilled outside" | "backfilled before collect from":
            return [(first + early, last + after)]
    return [(first, last)]


def make(kind: str, month: date, app_id: str, rng: np.random.Generator) -> Given:
    periods = periods_of(kind, month, rng)
    (first, last) = periods[0][0], periods[-1][1]
    requested = [day for period in periods for day in days_between(*period)]
    given = Given(app_id, periods, requested)
    if kind in ("collect from", "collect from and until", "backfilled before collect from"):
        given.collect_from = first
    if kind in ("collect until", "collect from and until"):
        given.collect_until = last
    if kind == "first seen after collect from":
        given.collect_from = first - timedelta(days=int(rng.integers(1, 3)))
    if kind == "cut by retention":
        given.kept_since = month + timedelta(days=int(rng.integers(1, 20)))
        given.requested = requested = [day for day in requested if day >= given.kept_since]
    given.days = dict.fromkeys(requested)
    if kind == "across months":  # a backfill requested days that are not expected
        requested = [*requested, first - timedelta(days=5), last + timedelta(days=3)]
    elif kind.startswith("backfilled"):  # sometimes all days of the month, sometimes a part
        outside = days_between(month, first - timedelta(days=1))
        requested = [*requested, *outside[int(rng.integers(0, 2)) * int(rng.integers(0, len(outside))) :]]
    elif kind == "few days":
        requested = list(rng.permutation(np.array(requested)))[: int(rng.integers(1, 5))]
    elif kind == "one point":
        requested = requested[:1]
    elif kind == "never requested":
        requested = []
    for day in requested:
        state, grid = entry(kind, rng)
        if state != "absent":
            given.entries.append(AppDay(app_id, day, grid, state))
        if grid is not None and (day in given.days or any(point is not None for point in grid)):
            given.days[day] = grid
    return given


def configure(warehouse: Warehouse, apps: list[Given]) -> None:
    """Add the apps with all settings that determine the expected days."""
    warehouse.add_apps(App(app.app_id, app.periods[0][0], app.periods[-1][1]) for app in apps)
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "update core.app set wanted = %s::datemultirange, collect_from = %s, collect_until = %s,"
            " kept_since = %s where app_id = %s",
            [
                (
                    "{" + ",".join(f"[{first},{last}]" for first, last in app.periods) + "}",
                    app.collect_from,
                    app.collect_until,
                    app.kept_since,
                    app.app_id,
                )
                for app in apps
            ],
        )


def entry(kind: str, rng: np.random.Generator) -> tuple[str, Any]:
    """Return a ledger entry's state and grid. The state of a sound day follows from its grid."""
    points = [0.0] * 288 if kind == "zeros" else traffic.values(rng)
    if kind == "one point":
        return "sound", [*points[:1], *[None] * 287]
    luck = rng.random()
    if (kind in WHOLE and luck < 0.998) or luck < 0.6:
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
    configure(module_warehouse, apps)
    module_warehouse.add_days(entry for given in apps for entry in given.entries)
    module_warehouse.run("analyze")
    return apps


def by_key(rows: list[dict[str, Any]], key: str) -> dict[tuple[str, date], Figures]:
    found = {(row["app_id"], row[key]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_generated_months_cover_the_difficult_cases(given: list[Given]) -> None:
    expected = [bill for app in given for bill in app.bills]
    assert len(expected) >= 1000
    lengths = Counter(bill["expected_points"] // 288 for bill in expected)
    assert min(lengths[days] for days in (28, 29, 30, 31)) >= 100
    assert min(Counter(bill["is_final"] for bill in expected).values()) >= 200
    assert min(Counter(bill["status"] for bill in expected).values()) >= 200
    final = [bill for bill in expected if bill["is_final"]]
    assert sum(bill["expected_days"] < bill["calendar_days"] for bill in final) >= 200
    assert sum(0 < bill["days"] < 4 for bill in expected) >= 50
    assert sum(bill["days"] == 0 for bill in expected) >= 50
    assert sum(bill["days_with_traffic"] < bill["days"] for bill in expected) >= 100
    assert sum(bill["points"] == 1 for bill in expected) >= 20
    assert sum(bill["points"] > 0 and bill["top_five_mean_kbps"] is None for bill in expected) >= 20


def test_every_monthly_bill_equals_the_reference(module_warehouse: Warehouse, given: list[Given]) -> None:
    expected = {
        (app.app_id, bill["month"]): {**named(app.app_id), **bill} for app in given for bill in app.bills
    }
    found = by_key(module_warehouse.rows("select * from mart.billing_monthly", role="analyst"), "month")
    assert sorted(found.keys() ^ expected.keys()) == []
    wrong = [key for key in expected if found[key] != expected[key]]
    assert not wrong, (len(wrong), found[wrong[0]], expected[wrong[0]])


def test_every_daily_figure_equals_the_reference(module_warehouse: Warehouse, given: list[Given]) -> None:
    expected = {
        (app.app_id, day): {**named(app.app_id), "usage_date": day, **figures_of_day(grid)}
        for app in given
        for day, grid in app.days.items()
    }
    found = by_key(module_warehouse.rows("select * from mart.bandwidth_daily", role="analyst"), "usage_date")
    assert sorted(found.keys() ^ expected.keys()) == []
    wrong = [key for key in expected if found[key] != expected[key]]
    assert not wrong, (len(wrong), found[wrong[0]], expected[wrong[0]])


def test_a_filter_on_app_and_month_changes_no_figure(module_warehouse: Warehouse, given: list[Given]) -> None:
    for app in given[:: len(given) // 20]:
        expected = app.bills[0]
        found = module_warehouse.rows(
            "select * from mart.billing_monthly where app_id = %s and month = %s",
            (app.app_id, expected["month"]),
        )
        assert found == [{**named(app.app_id), **expected}]


def test_a_running_month_ends_yesterday_and_is_never_final(warehouse: Warehouse) -> None:
    warehouse.add_account()
    rng = np.random.default_rng(1)
    (now,) = warehouse.rows("select (now() at time zone 'UTC')::date as today")
    last_month = month_of(month_of(now["today"]) - timedelta(days=1))
    # A day that was requested before it was over is not part of the bill, even if midnight passes.
    last = last_of(now["today"] + timedelta(days=1))
    days = days_between(last_month, last)
    complete: dict[date, Any] = {day: traffic.values(rng) for day in days}
    requested = {
        "closed": {last_month: complete[last_month]},
        "gap": {**complete, days[1]: None, days[-3]: None},
        "open": complete,
    }
    warehouse.add_apps([App(app_id, last_month, max(requested[app_id])) for app_id in requested])
    warehouse.add_days(
        AppDay(app_id, day, grid) for app_id in requested for day, grid in requested[app_id].items()
    )
    with (
        warehouse.connect("analyst") as connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        cursor.execute("begin")
        cursor.execute("select (now() at time zone 'UTC')::date as today")
        today = cursor.fetchall()[0]["today"]
        cursor.execute("select * from mart.billing_monthly order by app_id, month")
        found = [dict(row) for row in cursor.fetchall()]
    expected = {app_id: Expected(requested[app_id], today) for app_id in requested}
    assert found == [{**named(app_id), **bill} for app_id in requested for bill in bills(expected[app_id])]
    status = {bill["app_id"]: bill["status"] for bill in found if bill["month"] == last_month}
    assert status == {"closed": "part of the month", "gap": "incomplete", "open": "final"}
    assert {bill["status"] for bill in found if bill["month"] > last_month} <= {"running"}


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2025-03-31 23:59:59+00", {"whole": "running", "removed": "running", "gap": "running"}),
        ("2025-04-01 00:00:00+00", {"whole": "final", "removed": "part of the month", "gap": "incomplete"}),
    ],
)
def test_a_month_is_running_until_its_last_midnight(
    warehouse: Warehouse, now: str, status: dict[str, str]
) -> None:
    warehouse.run(
        "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
        f" begin atomic select '{now}'::timestamptz; end"
    )
    warehouse.add_account()
    days = days_between(date(2025, 3, 1), date(2025, 3, 31))
    given = {"whole": days, "removed": days[:20], "gap": days}
    warehouse.add_apps(App(app_id, own[0], own[-1]) for app_id, own in given.items())
    warehouse.add_days(
        AppDay(app_id, day, None if (app_id, day) == ("gap", days[9]) else [1.0] * 288)
        for app_id, own in given.items()
        for day in own
    )
    found = {row["app_id"]: row for row in warehouse.rows("select * from mart.billing_monthly")}
    assert {app_id: row["status"] for app_id, row in found.items()} == status
    # The last day is already expected before it is over. Its points count only afterwards.
    assert {app_id: row["expected_days"] for app_id, row in found.items()} == {
        "whole": 31,
        "removed": 20,
        "gap": 31,
    }
    (total,) = warehouse.rows("select status, expected_days from mart.billing_monthly_total")
    assert total == {"status": status["gap"], "expected_days": 31}
