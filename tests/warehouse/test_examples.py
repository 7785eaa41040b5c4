"""sql/examples: each query runs as the analyst and answers the question in its header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.reference import figures_of_month, month_of, percentile_95, rounded

EXAMPLES = ROOT / "sql" / "examples"
TODAY = datetime.now(UTC).date()
THIS_MONTH = month_of(TODAY)
LAST_MONTH = month_of(THIS_MONTH - timedelta(days=1))
MONTH = days_between(LAST_MONTH, THIS_MONTH - timedelta(days=1))
SIZES = {"small": 1_000.0, "middle": 20_000.0, "large": 300_000.0, "largest": 400_000.0, "quiet": 0.0}

MISSING = {"small": (3, 4, 9), "quiet": range(2, 99)}


def grid(app_id: str, day: int) -> list[float]:
    """Return a day that is busiest from 20:00 to 21:00. Each app is largest on different dates."""
    busy = 1.0 + (day + len(app_id)) % 5
    return [SIZES[app_id] * busy * (2 if slot // 12 == 20 else 1) + slot + day / 4 for slot in range(288)]


@pytest.fixture(scope="module")
def small(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps(App(app_id, LAST_MONTH) for app_id in SIZES)
    days = days_between(LAST_MONTH, TODAY - timedelta(days=1))
    module_warehouse.add_days(
        AppDay(app_id, day, None if number in MISSING.get(app_id, ()) else grid(app_id, number))
        for app_id in SIZES
        for number, day in enumerate(days)
    )
    return module_warehouse


def run_example(warehouse: Warehouse, example: str) -> list[dict[str, Any]]:
    """Return an example's rows. Check that App IDs have names and figures at most three decimal places."""
    rows = warehouse.rows((EXAMPLES / f"{example}.sql").read_text(encoding="utf-8"), role="analyst")
    for row in rows:
        for (name, value), next_name in zip(row.items(), [*row, ""][1:], strict=True):
            assert not isinstance(value, float), name
            assert not isinstance(value, Decimal) or value == round(value, 3), name
            assert not name.endswith("app_id") or next_name == name.replace("app_id", "app_name")
    return rows


def mbps(kbps: float | Decimal | None) -> Decimal | None:
    """Return a rate in Mbps with three decimal places."""
    return rounded(None if kbps is None else float(kbps) / 1000)


def near(figure: float | None) -> Any:
    """Return a value that equals the figure rounded to three decimal places."""
    return pytest.approx(None if figure is None else Decimal(figure), abs=Decimal("0.001"))


def test_bill_of_last_month(small: Warehouse) -> None:
    rows = run_example(small, "10_bill_of_last_month")
    assert [row["app_id"] for row in rows] == ["largest", "large", "middle", "small", "quiet"]
    assert [row["status"] for row in rows] == [*["final"] * 3, *["incomplete"] * 2]
    assert {(row["expected_days"], row["calendar_days"]) for row in rows} == {(len(MONTH), len(MONTH))}
    expected = figures_of_month(grid("large", number) for number in range(len(MONTH)))
    for method in ("p95", "peak", "mean_daily_peak", "mean_daily_p95", "fourth_peak", "top_five_mean"):
        assert rows[1][f"{method}_mbps"] == mbps(expected[f"{method}_kbps"])


def test_top_apps(small: Warehouse) -> None:
    rows = run_example(small, "20_top_apps")
    assert [row["app_id"] for row in rows[:4]] == ["largest", "large", "middle", "small"]
    first = (TODAY - timedelta(days=30) - LAST_MONTH).days
    numbers = range(max(0, first), (TODAY - LAST_MONTH).days)
    kbps = sum(sum(grid("largest", number)) for number in numbers)
    assert rows[0]["gigabytes"] == near(kbps * 37_500 / 1e9)
    assert rows[0]["points"] == rows[0]["expected_points"] == 288 * len(numbers)
    assert rows[0]["days"] == len(numbers)
    assert rows[0]["gigabytes_a_day"] == near(kbps * 37_500 / 1e9 / len(numbers))


def test_gaps(small: Warehouse) -> None:
    rows = run_example(small, "30_gaps")
    runs = [(row["first_day"], row["last_day"], row["days"]) for row in rows if row["app_id"] == "small"]
    assert sorted(runs) == [(MONTH[3], MONTH[4], 2), (MONTH[9], MONTH[9], 1)]
    # The same failed days, of which those outside the window are lost.
    quiet = sorted((row for row in rows if row["app_id"] == "quiet"), key=lambda row: row["first_day"])
    assert [row["state"] for row in quiet] in (["failed"], ["lost", "failed"])
    assert quiet[0]["first_day"] == MONTH[2]
    assert quiet[-1]["last_day"] == TODAY - timedelta(days=1)
    assert [row["missing_points"] for row in quiet] == [288 * row["days"] for row in quiet]
    order = [(row["state"] == "lost", row["days_left"]) for row in rows]
    assert order == sorted(order)


def test_p95_of_several_apps(small: Warehouse) -> None:
    (row,) = run_example(small, "40_p95_of_several_apps")
    sums = [
        sum(points)
        for number in range(len(MONTH))
        for points in zip(*(grid(app_id, number) for app_id in ("large", "largest", "middle")), strict=True)
    ]
    expected = percentile_95(sorted(sums, reverse=True))
    assert (row["points"], row["p95_mbps"]) == (288 * len(MONTH), mbps(expected))


def test_peak_hour(small: Warehouse) -> None:
    rows = run_example(small, "50_peak_hour")
    assert rows[0]["hour_utc"] == 20
    assert sorted(row["hour_utc"] for row in rows) == list(range(24))
    assert len({row["points"] for row in rows}) == 1


def test_every_example_is_tested_and_states_its_question() -> None:
    here = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_examples*.py")
    )
    examples = list(EXAMPLES.glob("*.sql"))
    assert len(examples) >= 12
    for example in examples:
        assert f'"{example.stem}"' in here
        assert "?" in example.read_text(encoding="utf-8").split("\n\n")[0]
