"""The bill against a reference implementation: figures, projections, and the CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports import bill as report
from agora.web.bill_csv import bill_as_csv, file_name
from agora.web.parameters import Month
from tests.warehouse import traffic
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import Expected, bills, figures_of_day, total_bills

FIGURES = (
    *report.METHODS,
    "status",
    "is_final",
    "points",
    "expected_points",
    "calendar_days",
    "expected_days",
    "days",
    "days_with_traffic",
)
DECEMBER, JANUARY = date(2024, 12, 1), date(2025, 1, 1)
LONG_AGO = date(2026, 1, 1)
FIRST, LAST = date(2024, 12, 1), date(2025, 1, 31)
Days = dict[date, Any]


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[Connection]:
    """Yield a connection like the page's: only mart, in one transaction."""
    engine = warehouse_engine(warehouse.url("analyst"))
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
    finally:
        engine.dispose()


def bill_and_volume(
    warehouse: Warehouse, month: date, choice: report.Choice = report.EVERY_APP
) -> tuple[Any, Any]:
    with reading(warehouse) as connection:
        bill = report.bill(connection, month, choice)
        return bill, report.volume(connection, bill)


def give(warehouse: Warehouse, app_id: str, days: Days, conn_id: str = "agora_dashboard") -> None:
    """Expect an app on consecutive days. Days without a grid were requested without success."""
    warehouse.add_apps([App(app_id, min(days), max(days), conn_id)])
    warehouse.add_days(AppDay(app_id, day, grid) for day, grid in days.items())


def month_of(all_bills: list[dict[str, Any]], month: date) -> dict[str, Any] | None:
    return next((bill for bill in all_bills if bill["month"] == month), None)


@pytest.fixture(scope="module")
def given(module_warehouse: Warehouse) -> dict[str, Days]:
    """Add four apps with days in December and January, each with another kind of gap."""
    rng = np.random.default_rng(7)
    days = days_between(FIRST, LAST)
    apps: dict[str, Days] = {
        "whole": {day: traffic.values(rng) for day in days},
        "with gaps": {day: traffic.with_gaps(traffic.values(rng), rng) for day in days},
        "lost in december": {day: traffic.values(rng) if day >= JANUARY else None for day in days},
        "new in january": {day: traffic.values(rng) for day in days if day >= date(2025, 1, 29)},
    }
    module_warehouse.add_account()
    for app_id, own in apps.items():
        give(module_warehouse, app_id, own)
    return apps


def assert_figures(found: dict[str, Any] | None, expected: dict[str, Any] | None) -> None:
    assert (found is None) == (expected is None)
    if found and expected:
        assert {name: found[name] for name in FIGURES} == {name: expected[name] for name in FIGURES}


def change(now: float | None, before: float | None) -> Any:
    return None if now is None or not before else pytest.approx(float(100 * now / before - 100), abs=1e-9)


@pytest.mark.parametrize(("month", "before"), [(JANUARY, DECEMBER), (DECEMBER, date(2024, 11, 1))])
def test_a_month_is_compared_with_the_month_before(
    module_warehouse: Warehouse, given: dict[str, Days], month: date, before: date
) -> None:
    with reading(module_warehouse) as connection:
        page = report.bill(connection, month)
    assert (page["month_before"], page["is_over"], page["days_in_month"]) == (before, True, 31)
    rows = {row["app_id"]: row for row in page["apps"]}
    own = {app_id: Expected(days, LONG_AGO) for app_id, days in given.items()}
    expected = {app_id: bills(app) for app_id, app in own.items()} | {
        None: total_bills(own, lambda _, day: datetime(day.year, day.month, day.day, tzinfo=UTC))
    }
    rows[None] = page["total"]
    assert rows.keys() == {app_id for app_id, own in expected.items() if month_of(own, month)}
    for app_id, row in rows.items():
        now, then = (month_of(expected[app_id], when) for when in (month, before))
        assert now is not None
        assert_figures(row, now)
        assert_figures(row["before"], then)
        assert row["projected"] is None
        is_compared = then is not None and now["status"] == then["status"] == "final"
        changes = {
            name: change(now[name], then[name] if then and is_compared else None) for name in report.METHODS
        }
        assert row["change_percent"] == changes


def test_each_row_has_a_status(module_warehouse: Warehouse, given: dict[str, Days]) -> None:
    with reading(module_warehouse) as connection:
        page = report.bill(connection, JANUARY)
    status = {
        row["app_id"]: (row["status"], row["before"] and row["before"]["status"]) for row in page["apps"]
    }
    assert status == {
        "whole": ("final", "final"),
        "with gaps": ("incomplete", "incomplete"),
        "lost in december": ("final", "incomplete"),
        "new in january": ("part of the month", None),
    }
    lost = next(row for row in page["apps"] if row["app_id"] == "lost in december")
    new = next(row for row in page["apps"] if row["app_id"] == "new in january")
    assert (new["expected_days"], new["calendar_days"]) == (3, 31)
    assert lost["before"]["points"] == 0
    assert set(lost["change_percent"].values()) == {None}
    assert (page["total"]["status"], page["total"]["before"]["status"]) == ("incomplete", "incomplete")
    absent = 2 * 31 * 288 + 31 * 288 + 3 * 288 - page["total"]["app_points"]
    assert absent == page["total"]["expected_app_points"] - page["total"]["app_points"] > 0


def test_volume_is_computed_from_the_observed_points(
    module_warehouse: Warehouse, given: dict[str, Days]
) -> None:
    _, page = bill_and_volume(module_warehouse, JANUARY)

    def carried(days: Days, month: date) -> int | None:
        figures = [figures_of_day(grid) for day, grid in days.items() if day.replace(day=1) == month]
        known = [day["volume_bytes"] for day in figures if day["volume_bytes"] is not None]
        return sum(known) if known else None

    for row in page["apps"]:
        now, then = (carried(given[row["app_id"]], month) for month in (JANUARY, DECEMBER))
        assert (row["volume_bytes"], row["before_volume_bytes"]) == (now, then)
        is_compared = row["app_id"] == "whole"
        assert row["change_percent"] == change(now, then if is_compared else None)
        assert row["projected_volume_bytes"] is None
    for name in ("volume_bytes", "before_volume_bytes"):
        assert page["total"][name] == sum(row[name] or 0 for row in page["apps"])
    assert page["total"]["change_percent"] is None
    assert page["apps_without_points"] == 0
    assert bill_and_volume(module_warehouse, DECEMBER)[1]["apps_without_points"] == 1


def test_only_months_with_an_expected_day_are_listed(
    module_warehouse: Warehouse, given: dict[str, Days]
) -> None:
    with reading(module_warehouse) as connection:
        assert report.months(connection) == [DECEMBER, JANUARY]
        assert report.latest_month(connection) == JANUARY
        nothing = report.bill(connection, date(2024, 11, 1))
    assert (nothing["total"], nothing["apps"]) == (None, [])


def test_an_empty_warehouse_has_no_bill(warehouse: Warehouse) -> None:
    with reading(warehouse) as connection:
        assert report.months(connection) == []
        month = report.latest_month(connection)
        assert month == datetime.now(UTC).date().replace(day=1)
    page, volume = bill_and_volume(warehouse, month)
    assert (page["total"], volume["total"]["volume_bytes"]) == (None, None)
    assert bill_as_csv(page, volume) == "\ufeffmonth\r\n"


def test_a_month_without_a_point_is_not_a_month_of_zeros(warehouse: Warehouse) -> None:
    warehouse.add_account()
    give(warehouse, "app", {DECEMBER: None})
    page, volume = bill_and_volume(warehouse, DECEMBER)
    for row in (page["total"], *page["apps"]):
        assert {row[name] for name in report.METHODS} == {None}
        assert (row["app_points"], row["expected_app_points"], row["status"]) == (0, 288, "incomplete")
    assert (volume["total"]["volume_bytes"], volume["apps"][0]["volume_bytes"]) == (None, None)


@pytest.mark.parametrize("month", [DECEMBER, JANUARY])
def test_the_file_contains_the_reports_numbers(
    module_warehouse: Warehouse, given: dict[str, Days], month: date
) -> None:
    page, volume = bill_and_volume(module_warehouse, month)
    lines = lines_of(bill_as_csv(page, volume))
    assert_file_equals_page(lines, page, volume)
    assert {line["month"] for line in lines} == {f"{month:%Y-%m}"}


def lines_of(text: str) -> list[dict[str, str]]:
    """Parse a file like a spreadsheet, which detects UTF-8 by the byte order mark."""
    return list(csv.DictReader(StringIO(text.encode().decode("utf-8-sig"), newline="")))


def assert_file_equals_page(lines: list[dict[str, str]], page: Any, volume: Any) -> None:
    """Compare every number in the file with the report, digit by digit."""
    rows = [*page["apps"], page["total"]]
    volumes = [*volume["apps"], volume["total"]]
    of_sum = "subtotal" if page["billing_group"] or page["search"] else "total"
    assert [line["row"] for line in lines] == ["app"] * len(page["apps"]) + [of_sum]
    for line, row, carried in zip(lines, rows, volumes, strict=True):
        before, projected = row["before"] or {}, row["projected"] or {}
        expected = {name: row[name] for name in (*report.METHODS, *report.COUNTS, "status")}
        expected |= {
            f"before_{name}": before.get(name) for name in (*report.METHODS, *report.COUNTS, "status")
        }
        expected |= {f"change_of_{name[:-5]}_percent": row["change_percent"][name] for name in report.METHODS}
        expected |= {
            f"projected_{'at_least_' * (name in report.AT_LEAST)}{name}": projected.get(name)
            for name in report.METHODS
        }
        expected |= {name: carried[name] for name in carried if name.endswith("volume_bytes")}
        expected["change_of_volume_percent"] = carried["change_percent"]
        found = {
            name: value
            for name, value in line.items()
            if name not in ("month", "filter", "row", "app_id", "app_name", "billing_group")
        }
        assert found == {name: "" if value is None else str(value) for name, value in expected.items()}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\n=1", "\r=1"])
def test_a_name_is_not_a_formula(module_warehouse: Warehouse, given: dict[str, Days], name: str) -> None:
    bill, volume = bill_and_volume(module_warehouse, DECEMBER)
    bill["apps"][0]["app_name"] = name
    shown = lines_of(bill_as_csv(bill, volume))[0]["app_name"]
    assert shown.startswith("'")
    assert shown.replace("'", "") == name


@pytest.mark.parametrize("month", ["2026-13", "2026-11-05", "11-2026", "2026-W45", "now", ""])
def test_an_invalid_month_is_rejected(month: str) -> None:
    with pytest.raises(ValidationError, match="a month has the form 2026-11"):
        TypeAdapter(Month).validate_python(month)


GROUPED = report.Choice("customer")


@pytest.mark.parametrize(
    ("choice", "app_ids", "wording"),
    [
        (GROUPED, ["whole", "with gaps"], "billing_group = customer"),
        (report.Choice("", "GAPS"), ["with gaps"], "search = GAPS"),
        (report.Choice("", "name of w"), ["whole", "with gaps"], "search = name of w"),
        (report.Choice("customer", "whole"), ["whole"], "billing_group = customer, search = whole"),
        # Across groups.
        (
            report.Choice("", "e"),
            ["lost in december", "new in january", "whole", "with gaps"],
            "search = e",
        ),
    ],
)
def test_a_filter_has_a_subtotal_that_ranks_the_sums(
    module_warehouse: Warehouse,
    given: dict[str, Days],
    choice: report.Choice,
    app_ids: list[str],
    wording: str,
) -> None:
    module_warehouse.run("update core.app set billing_group = 'customer' where app_id like 'w%'")
    page, volume = bill_and_volume(module_warehouse, JANUARY, choice)
    with reading(module_warehouse) as connection:
        assert report.billing_groups(connection) == ["agora_dashboard", "customer"]
    own = {app_id: Expected(given[app_id], LONG_AGO) for app_id in app_ids}
    expected = total_bills(own, lambda _, day: datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert [row["app_id"] for row in page["apps"]] == app_ids
    assert_figures(page["total"], month_of(expected, JANUARY))
    assert_figures(page["total"]["before"], month_of(expected, DECEMBER))
    assert volume["total"]["volume_bytes"] == sum(row["volume_bytes"] for row in volume["apps"])
    lines = lines_of(bill_as_csv(page, volume))
    assert_file_equals_page(lines, page, volume)
    assert {line["filter"] for line in lines} == {wording}
    assert [line["billing_group"] for line in lines] == [
        *(row["billing_group"] for row in page["apps"]),
        "",
    ]


def test_the_file_has_the_digits_of_sql(module_warehouse: Warehouse, given: dict[str, Days]) -> None:
    lines = lines_of(bill_as_csv(*bill_and_volume(module_warehouse, JANUARY, GROUPED)))
    in_sql = module_warehouse.rows(
        "select app_id, p95_kbps::text, mean_daily_peak_kbps::text from mart.billing_monthly"
        " where month = %s and app_id like 'w%%' order by app_id",
        (JANUARY,),
    )
    assert [{name: line[name] for name in in_sql[0]} for line in lines[:-1]] == in_sql


def test_no_app_matches_the_filter(module_warehouse: Warehouse, given: dict[str, Days]) -> None:
    page, volume = bill_and_volume(module_warehouse, JANUARY, report.Choice("no such group"))
    assert (page["total"], page["apps"], volume["apps"]) == (None, [], [])


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("agora_bill", "2026-11", "", ""), "agora_bill_2026-11.csv"),
        (("agora_bill", "2026-11", "customer one", '"/..'), "agora_bill_2026-11_customer-one_-...csv"),
        (("agora_bill", "2026-11", "Kundé\r\n", ""), "agora_bill_2026-11_Kund-.csv"),
    ],
)
def test_a_file_name_has_safe_characters(parts: tuple[str, ...], name: str) -> None:
    assert file_name(*parts) == name


SO_FAR: dict[str, Any] = {**dict.fromkeys(report.METHODS, 1.0), "p95_kbps": 2.0, "top_five_mean_kbps": 5.0}


@pytest.mark.parametrize(
    ("days", "points", "known"),
    [
        (4, 4 * 288, False),
        (5, 5 * 288, True),
        (5, 4 * 288 + 4, False),  # the fifth day may have four points
        (5, 4 * 288 + 5, True),
        (21, 4 * 288 + 17 * 4, False),
        (21, 4 * 288 + 17 * 4 + 1, True),
    ],
)
def test_the_top_five_are_projected_once_there_are_five(days: int, points: int, known: bool) -> None:
    projected = report.projected({**SO_FAR, "days": days, "points": points})
    assert projected == {name: SO_FAR[name] for name in report.METHODS} | {
        "top_five_mean_kbps": 5.0 if known else None
    }


def test_the_top_five_can_fall_before_there_are_five_of_them(warehouse: Warehouse) -> None:
    """Four days of 8 kbps have a mean of 8. A fifth day of 3 kbps lowers the mean to 7."""
    warehouse.add_account()
    days = days_between(DECEMBER, date(2024, 12, 5))
    give(warehouse, "four", {day: [8.0] * 288 for day in days[:4]})
    give(warehouse, "five", {day: [8.0 if day < days[4] else 3.0] * 288 for day in days})
    with reading(warehouse) as connection:
        rows = {row["app_id"]: row for row in report.bill(connection, DECEMBER)["apps"]}
    assert [rows[name]["top_five_mean_kbps"] for name in ("four", "five")] == [8, 7]
    assert [report.projected(rows[name])["top_five_mean_kbps"] for name in ("four", "five")] == [None, 7]


@pytest.mark.parametrize(
    ("expected_days", "points", "expected"),
    [
        # 21 of 30 days without a gap: 30 / 21 of 4,200 bytes.
        (30, 21 * 288, 6_000),
        # Half of the points: scaled to all points of the month.
        (30, 21 * 144, 12_000),
        # The app was removed on the 22nd, so no further days are expected.
        (21, 21 * 288, 4_200),
        (30, 0, None),
    ],
)
def test_volume_is_projected_to_the_expected_days(
    expected_days: int, points: int, expected: int | None
) -> None:
    so_far = {"volume_bytes": 4_200 if points else None, "points": points}
    assert report.projected_volume(so_far, expected_days) == expected


OCTOBER, NOVEMBER = (
    days_between(date(2025, 10, 1), date(2025, 10, 31)),
    days_between(date(2025, 11, 1), date(2025, 11, 30)),
)


@pytest.mark.parametrize(
    ("first", "collect_from", "status", "is_compared"),
    [
        (OCTOBER[27], None, "part of the month", False),
        # The part is intended, so the month is final. Four days are still not compared with thirty.
        (OCTOBER[27], OCTOBER[27], "final", False),
        (OCTOBER[0], None, "final", True),
    ],
)
def test_a_part_of_a_month_is_not_compared(
    warehouse: Warehouse, first: date, collect_from: date | None, status: str, is_compared: bool
) -> None:
    """Comparing 30 days with 4 days once showed +1,063.9 %."""
    warehouse.add_account()
    give(warehouse, "app", {day: [8.0] * 288 for day in days_between(first, NOVEMBER[-1])})
    warehouse.run("update core.app set collect_from = %s", (collect_from,))
    page, volume = bill_and_volume(warehouse, NOVEMBER[0])
    for row, carried in zip([*page["apps"], page["total"]], [*volume["apps"], volume["total"]], strict=True):
        assert (row["status"], row["before"]["status"]) == ("final", status)
        assert row["before"]["expected_days"] == (OCTOBER[-1] - first).days + 1
        changes = [*row["change_percent"].values(), carried["change_percent"]]
        assert [number is not None for number in changes] == [is_compared] * 7


def test_the_current_month_is_running_and_projected(warehouse: Warehouse) -> None:
    """Works on any day, with two time zones that may be in different months."""
    today = {}
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        warehouse.add_account(zone, conn_id=zone)
        row = warehouse.rows("select (now() at time zone %s)::date as today", (zone,))[0]
        today[zone] = row["today"]
    first = min(today.values()).replace(day=1) - timedelta(days=40)
    ahead = days_between(first, max(today.values()) + timedelta(days=3))
    rng = np.random.default_rng(11)
    # The second app leaves the configuration in the middle of the month.
    until = dict.fromkeys(today) | {"Pacific/Kiritimati": max(today.values()) + timedelta(days=1)}
    given = {}
    for zone in today:
        last = until[zone] or max(today.values()) + timedelta(days=40)
        grids = {day: traffic.values(rng) for day in ahead if day <= last}
        given[zone] = dict.fromkeys(days_between(first, last)) | grids
        warehouse.add_apps([App(zone.lower(), first, until[zone], zone)])
        warehouse.add_days(AppDay(zone.lower(), day, grid) for day, grid in grids.items())
    with reading(warehouse) as connection:
        month = report.latest_month(connection)
    page, volume = bill_and_volume(warehouse, month)
    zone_of = {zone.lower(): zone for zone in today}
    own = {app_id: Expected(given[zone], today[zone]) for app_id, zone in zone_of.items()}
    earliest = min(own[row["app_id"]].today for row in page["apps"])
    next_month = month + timedelta(days=report.days_in(month))
    assert page["is_over"] == (earliest >= next_month)
    assert page["days_over"] == min((earliest - month).days, report.days_in(month))
    for row, carried in zip(page["apps"], volume["apps"], strict=True):
        app = own[row["app_id"]]
        expected = month_of(bills(app), month)
        assert expected is not None
        assert_figures(row, expected)
        is_over = app.today >= next_month
        assert (row["status"] == "running") == (not is_over)
        assert (row["projected"] is None) == (carried["projected_volume_bytes"] is None) == is_over
        if not is_over:
            assert set(row["change_percent"].values()) == {None}
            assert carried["change_percent"] is None
            days = expected["days"]
            assert carried["projected_volume_bytes"] == round(
                Fraction(int(carried["volume_bytes"]) * expected["expected_days"], days)
            )
            assert row["projected"]["p95_kbps"] == expected["p95_kbps"]
            assert (row["projected"]["top_five_mean_kbps"] is None) == (days < 5)
    lines = lines_of(bill_as_csv(page, volume))
    assert_file_equals_page(lines, page, volume)
    total = total_bills(
        own, lambda app_id, day: datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone_of[app_id]))
    )
    assert_figures(page["total"], month_of(total, month))
