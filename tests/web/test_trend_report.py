"""Trends, compared with the bills' reference implementation, and growth, compared with known series."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from math import exp
from typing import Any

import numpy as np
import pytest

from agora.warehouse.reports import trend as report
from agora.warehouse.reports.trend import Step
from agora.web.trend import trend_as_csv
from tests.warehouse import traffic
from tests.warehouse.database import Warehouse, days_between
from tests.warehouse.reference import Expected, figures_of_day, total_bills
from tests.web.test_bill_report import LONG_AGO, Days, give, lines_of, reading

FIRST, LAST = date(2024, 9, 1), date(2025, 3, 31)


def trend(warehouse: Warehouse, step: Step, app_id: str = "", billing_group: str = "") -> Any:
    with reading(warehouse) as connection:
        return report.trend(connection, step, app_id, billing_group)


@pytest.fixture(scope="module")
def given(module_warehouse: Warehouse) -> dict[str, Days]:
    """Add seven months of three apps: one complete, one with gaps, one that begins in the third month."""
    rng = np.random.default_rng(3)
    days = days_between(FIRST, LAST)
    apps: dict[str, Days] = {
        "whole": {day: traffic.values(rng) for day in days},
        "gaps": {
            day: traffic.with_gaps(traffic.values(rng), rng) if day.month == 2 else traffic.values(rng)
            for day in days
        },
        "new": {day: traffic.values(rng) for day in days if day >= date(2024, 11, 12)},
    }
    module_warehouse.add_account()
    for app_id, own in apps.items():
        give(module_warehouse, app_id, own)
    module_warehouse.run("update core.app set billing_group = 'customer' where app_id <> 'whole'")
    return apps


def starts_at(_: str, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


SUBJECTS = [
    ("", "", ["whole", "gaps", "new"]),
    ("", "customer", ["gaps", "new"]),
    ("gaps", "", ["gaps"]),
]
MONTHLY = ("status", "p95_kbps", "peak_kbps", "expected_days", "calendar_days")


@pytest.mark.parametrize(("app_id", "billing_group", "app_ids"), SUBJECTS)
def test_months_are_those_of_the_bills(
    module_warehouse: Warehouse,
    given: dict[str, Days],
    app_id: str,
    billing_group: str,
    app_ids: list[str],
) -> None:
    found = trend(module_warehouse, Step.MONTH, app_id, billing_group)
    expected = total_bills({name: Expected(given[name], LONG_AGO) for name in app_ids}, starts_at)
    assert [row["date"] for row in found["rows"]] == [bill["month"] for bill in expected]
    for row, bill in zip(found["rows"], expected, strict=True):
        assert {name: row[name] for name in MONTHLY} == {name: bill[name] for name in MONTHLY}
        whole = bill["status"] == "final" and bill["expected_days"] == bill["calendar_days"]
        assert row["is_complete"] == whole
    complete = sum(row["is_complete"] for row in found["rows"])
    growth = found["growth"]["p95_kbps"]
    assert (growth and growth["months"]) == (complete if complete >= report.MIN_MONTHS else None)


@pytest.mark.parametrize(("app_id", "billing_group", "app_ids"), SUBJECTS)
def test_days_rank_the_sums_of_their_points(
    module_warehouse: Warehouse,
    given: dict[str, Days],
    app_id: str,
    billing_group: str,
    app_ids: list[str],
) -> None:
    found = trend(module_warehouse, Step.DAY, app_id, billing_group)
    assert [row["date"] for row in found["rows"]] == days_between(FIRST, LAST)
    for row in found["rows"]:
        grids = [given[name][row["date"]] for name in app_ids if row["date"] in given[name]]
        slots = [[point for point in slot if point is not None] for slot in zip(*grids, strict=True)]
        figures = figures_of_day([sum(slot) if slot else None for slot in slots])
        assert (row["p95_kbps"], row["peak_kbps"]) == (figures["p95_kbps"], figures["peak_kbps"])
        assert row["app_points"] == sum(map(len, slots))
        assert row["expected_app_points"] == 288 * len(grids)
        assert row["is_complete"] == (row["status"] == "complete") == (row["app_points"] == 288 * len(grids))


@pytest.mark.parametrize(("app_id", "billing_group"), [("nobody", ""), ("", "nobody")])
def test_an_unknown_app_or_group_has_no_trend(
    module_warehouse: Warehouse, given: dict[str, Days], app_id: str, billing_group: str
) -> None:
    assert trend(module_warehouse, Step.MONTH, app_id, billing_group) is None


def test_only_a_contract_has_a_commit(module_warehouse: Warehouse, given: dict[str, Days]) -> None:
    assert trend(module_warehouse, Step.MONTH, "", "customer")["commit_kbps"] is None
    module_warehouse.run(
        "insert into core.billing_contract (billing_group, method, commit_kbps, billing_day)"
        " values ('customer', 'p95_kbps', 1500, 15)"
    )
    found = trend(module_warehouse, Step.DAY, "", "customer")
    assert str(found["commit_kbps"]) == "1500.000"
    assert {line["commit_kbps"] for line in lines_of(trend_as_csv(found))} == {"1500.000"}
    assert trend(module_warehouse, Step.DAY)["commit_kbps"] is None


@pytest.mark.parametrize("step", list(Step))
def test_the_file_has_the_digits_of_sql(
    module_warehouse: Warehouse, given: dict[str, Days], step: Step
) -> None:
    found = trend(module_warehouse, step, "", "customer")
    lines = lines_of(trend_as_csv(found))
    in_sql = module_warehouse.rows(
        f"select first_date::text as {step}, status, p95_kbps::text, peak_kbps::text, app_points::text"
        f" from mart.bandwidth_trend('{step}', 'customer') order by first_date",
        role="analyst",
    )
    assert [{name: line[name] for name in in_sql[0]} for line in lines] == in_sql


def test_an_empty_warehouse_has_no_rows(warehouse: Warehouse) -> None:
    found = trend(warehouse, Step.MONTH)
    assert (found["rows"], found["growth"]) == ([], {"p95_kbps": None, "peak_kbps": None})
    assert trend_as_csv(found) == "\ufeffmonth\r\n"


def months(count: int) -> list[date]:
    return [date(2024 + number // 12, number % 12 + 1, 1) for number in range(count)]


def test_steady_growth_has_no_range() -> None:
    found = report.growth(
        [(month, Decimal(1000) * Decimal("1.02") ** n) for n, month in enumerate(months(6))]
    )
    assert found is not None
    assert [found[name] for name in ("percent", "low_percent", "high_percent")] == [pytest.approx(2)] * 3
    assert found["months"] == 6


def test_missing_months_keep_their_place() -> None:
    kept = [(month, 1.05**n) for n, month in enumerate(months(14)) if n not in (3, 4, 9)]
    found = report.growth(kept)
    assert found is not None
    assert found["percent"] == pytest.approx(5)


def test_the_range_is_the_confidence_interval_of_the_slope() -> None:
    """Logarithms 0, 1, 1, 2: slope 0.6, standard error sqrt(0.2 / 2 / 5), t(2) = 4.303."""
    found = report.growth([(month, exp(n)) for month, n in zip(months(4), (0, 1, 1, 2), strict=True)])
    assert found is not None
    margin = 4.303 * (0.2 / 2 / 5) ** 0.5
    expected = [100 * (exp(slope) - 1) for slope in (0.6, 0.6 - margin, 0.6 + margin)]
    assert [found[name] for name in ("percent", "low_percent", "high_percent")] == pytest.approx(expected)


@pytest.mark.parametrize("figures", [[], [1.0] * 3, [1.0, 2.0, 0.0, 3.0], [1.0, None, 2.0, 3.0]])
def test_growth_needs_four_months_with_traffic(figures: list[float | None]) -> None:
    assert report.growth(list(zip(months(len(figures)), figures, strict=True))) is None


def test_the_quantile_has_no_step_at_the_end_of_the_table() -> None:
    ends = len(report.T_QUANTILES)
    wobbling = [(month, 1.0 + n % 2) for n, month in enumerate(months(ends + 3))]
    inside, beyond = report.growth(wobbling[:-1]), report.growth(wobbling)
    assert inside is not None
    assert beyond is not None
    assert beyond["high_percent"] - beyond["low_percent"] < inside["high_percent"] - inside["low_percent"]
