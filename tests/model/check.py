"""Compares the warehouse with the contents that the rules require."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg2.extras import RealDictCursor

from tests.model.rules import DAY, Restatement, counted, is_over, last_shown_on, month_status

if TYPE_CHECKING:
    from tests.model.world import World

AppDay = tuple[str, date]

LEDGER = """
select app.app_id, app_day.usage_date, app_day.state, app_day.points, app_day.attempts, app_day.starts_at,
    app_day.conn_id, app_day.xmin::text as version
from core.app_day as app_day inner join core.app as app using (app_key)
"""
POINTS = """
select app.app_id, app_day.usage_date, app_day.kbps
from core.app_day as app_day inner join core.app as app using (app_key)
inner join unnest(%s::text [], %s::date []) as changed (app_id, usage_date)
on changed.app_id = app.app_id and changed.usage_date = app_day.usage_date
"""
COVERAGE = (
    "select app_id, usage_date, state, points, attempts, expires_on, same_response_as from mart.coverage"
)
RESTATED = """
select app_id, usage_date, points_changed, points_added, old_sum_kbps, new_sum_kbps, is_drop
from mart.restatement
"""
MONTHS = """
select app_id, month, status, is_final, points, expected_points, peak_kbps, p95_kbps, days, days_with_traffic
from mart.billing_monthly
"""
TOTALS = "select month, is_final, app_points, expected_app_points from mart.billing_monthly_total"
RAW = """
select app_id, usage_date, count(*) as responses from raw.bandwidth_response
where http_status between 200 and 299 group by app_id, usage_date
"""


class Violation(AssertionError):
    """A rule is broken.

    Attributes:
        keys: The app-days that show the violation.
    """

    def __init__(self, message: str, *keys: AppDay) -> None:
        named = ", ".join(f"{app_id} {usage_date}" for app_id, usage_date in keys)
        super().__init__(f"{message}{': ' if keys else ''}{named}")
        self.keys = keys


@dataclass
class Stored:
    """The versions of the ledger's rows at the last comparison."""

    versions: dict[AppDay, str] = field(default_factory=dict)


def compare(world: World, stored: Stored, *, every_figure: bool) -> None:
    """Compare everything that is stored and reported with the rules.

    Raises:
        Violation: They differ.
    """
    _compare_ledger(world, stored)
    _compare_coverage(world)
    _compare_restatements(world)
    if every_figure:
        _compare_months(world)
        _compare_raw(world)


def _rows(world: World, query: str, *parameters: Any) -> list[dict[str, Any]]:
    with world.owner.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, parameters or None)
        return [dict(row) for row in cursor.fetchall()]


def _require(what: str, found: object, expected: object, *keys: AppDay) -> None:
    if found != expected:
        raise Violation(f"{what} {found} instead of {expected}", *keys)


def _compare_ledger(world: World, stored: Stored) -> None:
    rows = {(row["app_id"], row["usage_date"]): row for row in _rows(world, LEDGER)}
    days = {key: day for key, day in world.days.items() if day.attempts}
    for key in sorted(rows.keys() ^ days.keys()):
        raise Violation(f"{'in' if key in rows else 'not in'} the ledger", key)
    changed = [key for key, row in rows.items() if stored.versions.get(key) != row["version"]]
    for key in world.touched | {*changed}:
        row, day = rows[key], days[key]
        for name in ("state", "attempts", "conn_id"):
            _require(name, row[name], getattr(day, name), key)
        _require("points", row["points"], counted(day.points), key)
        if day.points is not None:
            _require("start", row["starts_at"], day.starts_at, key)
    world.touched.clear()
    ids, dates = [key[0] for key in changed], [key[1] for key in changed]
    for row in _rows(world, POINTS, ids, dates) if changed else []:
        key = row["app_id"], row["usage_date"]
        points = days[key].points
        if row["kbps"] != (None if points is None else [*points]):
            raise Violation("points that differ from the last response that counts", key)
    stored.versions = {key: row["version"] for key, row in rows.items()}


def _compare_coverage(world: World) -> None:
    rows = {(row["app_id"], row["usage_date"]): row for row in _rows(world, COVERAGE)}
    reported = {*world.reported()}
    for key in sorted(rows.keys() - reported):
        raise Violation(f"reported as {rows[key]['state']}, but neither expected nor with points", key)
    for key in sorted(reported - rows.keys()):
        raise Violation("expected, or with points, but not reported", key)
    same = _same_bodies(world, reported)
    window = world.scenario.window
    for key, row in rows.items():
        day, today = world.days.get(key), world.today(world.known[key[0]].conn_id)
        state = day.state if day and day.attempts else "pending"
        if state not in ("collected", "partial") and is_over(window, key[1], today):
            state = "lost"
        _require("state", row["state"], state, key)
        _require("attempts", row["attempts"], day.attempts if day else 0, key)
        _require("points", row["points"], counted(day.points) if day else 0, key)
        _require("expires_on", row["expires_on"], last_shown_on(window, key[1]), key)
        _require("same_response_as", row["same_response_as"] or "", same.get(key, ""), key)


def _same_bodies(world: World, reported: set[AppDay]) -> dict[AppDay, str]:
    apps: defaultdict[tuple[date, bytes], list[str]] = defaultdict(list)
    for (app_id, usage_date), day in world.days.items():
        if day.source and any(day.points or ()):
            apps[usage_date, day.source.body].append(app_id)
    return {
        (app_id, usage_date): ", ".join(sorted({*same} - {app_id}))
        for (usage_date, _), same in apps.items()
        for app_id in same
        if (app_id, usage_date) in reported
    }


def _compare_restatements(world: World) -> None:
    found = Counter(Restatement(*row.values()) for row in _rows(world, RESTATED))
    expected = Counter(world.restated)
    for what, left in (("unexpected", found - expected), ("missing", expected - found)):
        for one in left:
            raise Violation(f"{what} restatement {one}", (one.app_id, one.usage_date))


def _compare_months(world: World) -> None:
    months = world.points_of_months()
    rows = {(row["app_id"], row["month"]): row for row in _rows(world, MONTHS)}
    _require("months", sorted(rows), sorted(months))
    for (app_id, month), row in rows.items():
        points = months[app_id, month]
        today = world.today(world.known[app_id].conn_id)
        expectation = world.expectations[app_id]
        calendar = [month + n * DAY for n in range(31) if (month + n * DAY).month == month.month]
        left_out = [day for day in calendar if not expectation.is_configured(day)]
        expected = month_status(month, today, points, left_out)
        _require(
            f"status, points and expected points of {app_id} in {month}",
            (row["status"], row["points"], row["expected_points"]),
            expected,
        )
        _require("is_final", row["is_final"], row["status"] == "final")
        kbps = [
            sorted(
                (point for point in world.days[app_id, day].points or () if point is not None), reverse=True
            )
            for day in points
            if points[day]
        ]
        every = sorted((point for day in kbps for point in day), reverse=True)
        _require(
            f"days, days with traffic, peak and p95 of {app_id} in {month}",
            (row["days"], row["days_with_traffic"], row["peak_kbps"], row["p95_kbps"]),
            (
                len(kbps),
                sum(day[0] > 0 for day in kbps),
                every[0] if every else None,
                every[5 * len(every) // 100] if every else None,
            ),
        )
    for total in _rows(world, TOTALS):
        of_month = [row for (_, month), row in rows.items() if month == total["month"]]
        _require(
            f"sums of {total['month']}",
            (total["app_points"], total["expected_app_points"]),
            (sum(row["points"] for row in of_month), sum(row["expected_points"] for row in of_month)),
        )
        _require(f"is_final of {total['month']}", total["is_final"], all(row["is_final"] for row in of_month))


def _compare_raw(world: World) -> None:
    found = {(row["app_id"], row["usage_date"]): row["responses"] for row in _rows(world, RAW)}
    expected = {key: len(responses) for key, responses in world.raw.items() if responses}
    for key in sorted(found.keys() | expected.keys()):
        _require("raw responses", found.get(key, 0), expected.get(key, 0), key)
