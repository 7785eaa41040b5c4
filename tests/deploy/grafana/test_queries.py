"""Every query of the dashboard, as Grafana would send it, run as the analyst on a month of data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.deploy.grafana.dashboard import PANELS, VARIABLES, Chosen, expand, sql_of
from tests.warehouse.database import App, AppDay, Points, Warehouse, days_between
from tests.warehouse.reference import (
    Expected,
    Figures,
    bills,
    figures_of_day,
    month_of,
    percentile_95,
    total_bills,
)

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
FIRST = month_of(YESTERDAY - timedelta(days=35))
DAYS = days_between(FIRST, YESTERDAY)
MONTH = month_of(FIRST)
RANGE = days_between(TODAY - timedelta(days=31), YESTERDAY)
SIZES = {"aaaa": 40_000.0, "bbbb": 7_000.0, "cccc": 900.0}
QUOTED = "it's"
APPS = [*SIZES, QUOTED]
FAILED = ("bbbb", RANGE[4])
PARTIAL = ("aaaa", RANGE[6])
LOST = ("cccc", DAYS[1])
PENDING = ("cccc", YESTERDAY)
BILLS = ("p95", "peak", "mean_daily_peak", "mean_daily_p95", "fourth_peak", "top_five_mean")
BILL_COLUMNS = (
    "95th percentile",
    "peak",
    "mean daily peak",
    "mean daily 95th",
    "fourth peak",
    "top-five mean",
)


def grid(app_id: str, day: date) -> Points | None:
    """Return a day's points, or None if there are none."""
    if app_id == QUOTED or (app_id, day) in (FAILED, LOST, PENDING):
        return None
    factor = 1 + (day.toordinal() + len(app_id)) % 7
    # All points differ, so that each rank has its own value.
    kbps = [SIZES[app_id] * factor + 25 * slot + (day - FIRST).days / 4 for slot in range(288)]
    return [*kbps[:100], *[None] * 20, *kbps[120:]] if (app_id, day) == PARTIAL else kbps


def start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def chosen(app: Sequence[str] = APPS, first: date = RANGE[0], last: date = YESTERDAY) -> Chosen:
    """Return a choice of whole days. Grafana's `/d` range ends a millisecond before midnight."""
    return Chosen(
        app, MONTH.isoformat(), start(first), start(last + timedelta(days=1)) - timedelta(milliseconds=1)
    )


@pytest.fixture(scope="module")
def filled(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps([*(App(app_id, FIRST) for app_id in SIZES), App(QUOTED, YESTERDAY)])
    module_warehouse.run(
        "update core.app set billing_group = case app_id when 'cccc' then 'Small' else 'Large' end"
    )
    module_warehouse.run(
        "insert into core.billing_contract (billing_group, method, commit_kbps, tiers, currency, billing_day)"
        """ values ('Large', 'peak_kbps', 100000, '[{"from_kbps": 0, "price_per_mbps": 2}]', 'EUR', 1)"""
    )
    module_warehouse.add_days(
        AppDay(app_id, day, grid(app_id, day)) for app_id in SIZES for day in DAYS if (app_id, day) != PENDING
    )
    module_warehouse.run(
        "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
        " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256)"
        " select app_key, %s, %s, 3, 4, now(), now(), '', '' from core.app where app_id = 'aaaa'",
        (RANGE[3], start(RANGE[5])),
        "loader",
    )
    module_warehouse.run(
        "insert into core.collection_run (dag_id, run_id, started_at, ended_at, app_days, app_days_received,"
        " app_days_changed, points_received, requests, retries, limited, failed_apps,"
        " collected, partial, rejected, failed, lost, pending)"
        " select 'agora_bandwidth_daily', 'run ' || ended_at, ended_at - interval '1 minute', ended_at,"
        " 9, 9, 8, 2000, 12, 3, 2, 1, 7, 1, 0, 1, 0, 0 from unnest(%s) as ended_at",
        ([start(RANGE[0]) - timedelta(hours=1), start(RANGE[2]), start(TODAY) + timedelta(hours=1)],),
        "loader",
    )
    return module_warehouse


def run_query(warehouse: Warehouse, title: str, choice: Chosen) -> list[dict[str, Any]]:
    return warehouse.rows(expand(sql_of(PANELS[title]), choice), role="analyst")


def series(rows: list[dict[str, Any]]) -> dict[str, dict[datetime, float | None]]:
    """Return each metric's values by time, as Grafana splits a long result."""
    found: dict[str, dict[datetime, float | None]] = {}
    for row in rows:
        assert row["time"] not in found.setdefault(row["metric"], {}), "a second value would hide the first"
        found[row["metric"]][row["time"]] = row["kbps"]
    return found


@pytest.mark.parametrize("app", [APPS, ["aaaa"], [QUOTED], []], ids=["all", "one", "quoted", "none"])
@pytest.mark.parametrize("title", PANELS)
def test_every_query_runs_and_returns_the_format_that_grafana_requires(
    filled: Warehouse, title: str, app: list[str]
) -> None:
    rows = run_query(filled, title, chosen(app))
    if PANELS[title]["targets"][0]["format"] != "time_series" or not rows:
        return
    times = [row["time"] for row in rows]
    assert times == sorted(times), "Grafana refuses a series that is not sorted by time"
    text = {name for row in rows for name, value in row.items() if isinstance(value, str)}
    assert text <= {"metric"}
    numbers = [value for row in rows for name, value in row.items() if name not in ("time", "metric")]
    assert all(value is None or isinstance(value, int | float | Decimal) for value in numbers)


@pytest.mark.parametrize("title", PANELS)
def test_every_query_runs_on_an_empty_warehouse(warehouse: Warehouse, title: str) -> None:
    run_query(warehouse, title, chosen([]))


def test_variables(filled: Warehouse) -> None:
    apps = filled.rows(VARIABLES["app"]["query"], role="analyst")
    assert apps == [{"__text": f"Name of {app_id}", "__value": app_id} for app_id in APPS]
    months = filled.rows(VARIABLES["month"]["query"], role="analyst")
    values = [month["__value"] for month in months]
    assert values[:2] == [str(month_of(YESTERDAY)), str(month_of(month_of(YESTERDAY) - timedelta(days=1)))]
    assert values == sorted(values, reverse=True)
    assert all(month["__text"] == month["__value"][:7] for month in months)


def test_uncollected_days(filled: Warehouse) -> None:
    expected = {"pending": 2, "partial": 1, "rejected": 0, "failed": 1, "lost": 1}
    assert run_query(filled, "Not collected, by state", chosen()) == [expected]
    rows = run_query(filled, "Days that expire first", chosen())
    found = [(row["usage_date"], row["state"], row["points"]) for row in rows]
    assert found == [
        (str(FAILED[1]), "failed", 0),
        (str(PARTIAL[1]), "partial", 268),
        (str(YESTERDAY), "pending", 0),
        (str(YESTERDAY), "pending", 0),
    ]
    assert [row["days_left"] for row in rows] == sorted(row["days_left"] for row in rows)
    assert [row["app"] for row in rows[2:]] == ["Name of cccc", f"Name of {QUOTED}"]


def test_coverage_by_day(filled: Warehouse) -> None:
    rows = run_query(filled, "Coverage by day", chosen(first=FIRST))
    assert [row["time"] for row in rows] == DAYS
    for row in rows:
        day = row.pop("time")
        expected = {"collected": 3, "partial": 0, "pending": 0, "rejected": 0, "failed": 0, "lost": 0}
        for (_, of), state in (
            (FAILED, "failed"),
            (PARTIAL, "partial"),
            (LOST, "lost"),
            (PENDING, "pending"),
        ):
            if of == day:
                expected |= {state: 1, "collected": 2}
        expected["pending"] += day == YESTERDAY
        assert row == expected


def test_an_absent_point_is_a_gap(filled: Warehouse) -> None:
    first, last = RANGE[3], RANGE[7]
    found = series(run_query(filled, "Traffic of the selected apps", chosen(first=first, last=last)))
    assert list(found) == ["1 Name of aaaa", "2 Name of bbbb", "3 Name of cccc"]
    for metric, values in found.items():
        app_id = metric[-4:]
        assert values == {
            start(day) + slot * timedelta(minutes=5): kbps
            for day in days_between(first, last)
            for slot, kbps in enumerate(grid(app_id, day) or [None] * 288)
        }
    assert list(found["1 Name of aaaa"].values()).count(None) == 20
    assert list(found["2 Name of bbbb"].values()).count(None) == 288


def test_a_range_that_starts_within_an_interval_includes_its_point(filled: Warehouse) -> None:
    from_time = start(RANGE[3]) + timedelta(hours=7, minutes=3)
    choice = Chosen(["aaaa"], MONTH.isoformat(), from_time, from_time + timedelta(minutes=10))
    (values,) = series(run_query(filled, "Traffic of the selected apps", choice)).values()
    day = grid("aaaa", RANGE[3])
    assert day is not None
    assert list(values.values()) == [day[84], day[85], day[86]]


def sums(app: Sequence[str], days: Sequence[date]) -> dict[datetime, list[float]]:
    """Return the present points of each five-minute interval, as a list that may be empty."""
    return {
        start(day) + slot * timedelta(minutes=5): [
            kbps for app_id in app for kbps in [(grid(app_id, day) or [None] * 288)[slot]] if kbps is not None
        ]
        for day in days
        for slot in range(288)
    }


@pytest.mark.parametrize("app", [["aaaa", "bbbb", "cccc"], ["aaaa", "bbbb"], ["bbbb"]])
def test_the_sum_and_its_95th_percentile(filled: Warehouse, app: list[str]) -> None:
    rows = run_query(filled, "Sum of the selected apps, and its 95th percentile", chosen(app))
    expected = sums(app, RANGE)
    line = percentile_95(sorted((sum(points) for points in expected.values() if points), reverse=True))
    assert line is not None
    assert [row["time"] for row in rows] == list(expected)
    assert {row["95th percentile"] for row in rows} == {line}
    assert [row["sum"] for row in rows] == [sum(points) if points else None for points in expected.values()]
    too_low = [sum(points) if 0 < len(points) < len(app) else None for points in expected.values()]
    assert [row["too low: an app is missing"] for row in rows] == too_low
    assert any(too_low) == (len(app) > 1)


def test_daily_peaks(filled: Warehouse) -> None:
    found = series(run_query(filled, "Daily peaks and 95th percentiles", chosen()))
    figures = {app_id: {day: figures_of_day(grid(app_id, day)) for day in RANGE} for app_id in SIZES}
    assert {metric: values for metric, values in found.items() if QUOTED not in metric} == {
        f"{rank} Name of {app_id} {name}": {day: figures[app_id][day][column] for day in RANGE}
        for rank, app_id in enumerate(SIZES, 1)
        for name, column in (("peak", "peak_kbps"), ("95th percentile", "p95_kbps"))
    }
    assert found["2 Name of bbbb peak"][FAILED[1]] is None  # type: ignore[index]


def test_no_more_than_eight_apps_are_drawn(warehouse: Warehouse) -> None:
    warehouse.add_account()
    app_ids = [f"app {number:02}" for number in range(10)]
    warehouse.add_apps(App(app_id, YESTERDAY) for app_id in app_ids)
    warehouse.add_days(
        AppDay(app_id, YESTERDAY, [1000.0 + number] * 288) for number, app_id in enumerate(app_ids)
    )
    expected = {f"{rank} Name of {app_id}" for rank, app_id in enumerate(app_ids[:1:-1], 1)}
    for title, names in (("Traffic of the selected apps", 1), ("Daily peaks and 95th percentiles", 2)):
        found = series(run_query(warehouse, title, chosen(app_ids, YESTERDAY)))
        assert {metric.removesuffix(" peak").removesuffix(" 95th percentile") for metric in found} == expected
        assert len(found) == 8 * names


def bill_of(app_id: str) -> Figures:
    (bill,) = (bill for bill in bills(expected(app_id, DAYS)) if bill["month"] == MONTH)
    return bill


def expected(app_id: str, days: Sequence[date]) -> Expected:
    return Expected({day: grid(app_id, day) for day in days}, TODAY)


def test_the_bill_of_the_month(filled: Warehouse) -> None:
    rows = run_query(filled, "Bill of $month per app, in kbps", chosen(["aaaa", "cccc"]))
    assert [row["app"] for row in rows] == ["sum of all apps", "Name of aaaa", "Name of cccc"]
    apps = {app_id: expected(app_id, DAYS) for app_id in SIZES} | {QUOTED: expected(QUOTED, [YESTERDAY])}
    (total,) = (bill for bill in total_bills(apps, lambda _, day: start(day)) if bill["month"] == MONTH)
    for row, bill in zip(rows, [of_group(total), bill_of("aaaa"), bill_of("cccc")], strict=True):
        assert [row[name] for name in BILL_COLUMNS] == [bill[f"{method}_kbps"] for method in BILLS]
        for column in ("points", "expected_points", "expected_days", "calendar_days", "status"):
            assert row[column] == bill[column]
    assert rows[2]["status"] == "incomplete", "a lost day"


def of_group(bill: Figures) -> Figures:
    """Return a bill with the columns of the dashboard's tables, which count the points of the apps."""
    return bill | {"points": bill["app_points"], "expected_points": bill["expected_app_points"]}


def test_the_bill_and_the_contract_of_each_billing_group(filled: Warehouse) -> None:
    large, small = run_query(filled, "Bill of $month per billing group, in kbps", chosen())
    assert (large["billing_group"], small["billing_group"]) == ("Large", "Small")
    members = {"aaaa": expected("aaaa", DAYS), "bbbb": expected("bbbb", DAYS)} | {
        QUOTED: expected(QUOTED, [YESTERDAY])
    }
    for row, apps in ((large, members), (small, {"cccc": expected("cccc", DAYS)})):
        (bill,) = (bill for bill in total_bills(apps, lambda _, day: start(day)) if bill["month"] == MONTH)
        assert [row[name] for name in BILL_COLUMNS] == [bill[f"{method}_kbps"] for method in BILLS]
        for column in ("points", "expected_points", "expected_days", "calendar_days", "status"):
            assert row[column] == of_group(bill)[column]
    (contract,) = run_query(filled, "Contracts in $month, rates in kbps", chosen())
    assert contract["billing_group"] == "Large"
    assert contract["method"] == "peak"
    assert contract["billable"] == large["peak"]
    assert contract["overage"] == max(0, large["peak"] - 100_000)
    assert contract["amount"] == round(max(large["peak"], 100_000) * 2 / 1000, 2)


def test_monthly_peaks_and_95th_percentiles(filled: Warehouse) -> None:
    choice = chosen(["aaaa", "cccc"], first=TODAY - timedelta(days=730))
    found = series(run_query(filled, "Monthly peaks and 95th percentiles", choice))
    apps = {app_id: expected(app_id, DAYS) for app_id in SIZES} | {QUOTED: expected(QUOTED, [YESTERDAY])}
    shown = {
        "sum of all apps": total_bills(apps, lambda _, day: start(day)),
        "1 Name of aaaa": bills(apps["aaaa"]),
        "2 Name of cccc": bills(apps["cccc"]),
    }
    assert found == {
        f"{name} {figure}": {bill["month"]: bill[column] for bill in months}
        for name, months in shown.items()
        for figure, column in (("peak", "peak_kbps"), ("95th percentile", "p95_kbps"))
    }


@pytest.mark.parametrize("title", [title for title, panel in PANELS.items() if panel["type"] == "table"])
def test_the_columns_of_a_table_fit_a_window_of_1600_pixels(filled: Warehouse, title: str) -> None:
    panel = PANELS[title]
    columns = run_query(filled, title, chosen())[0]
    config = panel["fieldConfig"]
    widths = dict.fromkeys(columns, config["defaults"]["custom"]["minWidth"])
    for override in config["overrides"]:
        for setting in override["properties"]:
            if setting["id"] in ("custom.width", "custom.minWidth"):
                widths[override["matcher"]["options"]] = setting["value"]
    assert list(widths) == list(columns), "every width is that of a column"
    assert sum(widths.values()) <= 1560 * panel["gridPos"]["w"] // 24


def test_runs_and_restatements(filled: Warehouse) -> None:
    runs = run_query(filled, "Last collecting runs", chosen())
    assert [run["ended_at"] for run in runs] == [start(TODAY) + timedelta(hours=1), start(RANGE[2])]
    del runs[0]["ended_at"], runs[0]["run_id"]
    assert runs[0] == {
        "dag_id": "agora_bandwidth_daily",
        "app_days": 9,
        "received": 9,
        "changed": 8,
        "points": 2000,
        "requests": 12,
        "retries": 3,
        "limited": 2,
        "failed_apps": 1,
    }
    assert run_query(filled, "Restatements", chosen(["bbbb"])) == []
    (restated,) = run_query(filled, "Restatements", chosen())
    assert restated == {
        "restated_at": start(RANGE[5]),
        "app": "Name of aaaa",
        "usage_date": str(RANGE[3]),
        "points_changed": 3,
        "points_added": 4,
    }
