"""Volumes beyond 64 bits: a month of the largest accepted rates in every view, example and report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agora.warehouse.reports import bill, coverage, health, traffic
from agora.warehouse.reports.point_sums import volume_bytes
from agora.web.bill_csv import bill_as_csv
from agora.web.responses import json_response
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.web.test_bill_report import reading

EXAMPLES = sorted(Path("sql/examples").glob("*.sql"))
# The largest rate that core.app_day accepts. One app has an odd rate, whose sums exceed a double's precision.
LARGEST_KBPS = 100_000_000_000
APPS = {f"app-{number:02}": LARGEST_KBPS - (number == 7) for number in range(20)}
TODAY = datetime.now(UTC).date()
DAYS = days_between(TODAY - timedelta(days=31), TODAY - timedelta(days=1))
BEYOND_64_BITS = 2**64
BYTES_PER_POINT_AND_KBPS = 37_500


def bytes_of(app_ids: Iterable[str], days: int) -> int:
    return sum(APPS[app_id] for app_id in app_ids) * BYTES_PER_POINT_AND_KBPS * 288 * days


@pytest.fixture(scope="module")
def large(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps(App(app_id, DAYS[0]) for app_id in APPS)
    module_warehouse.add_days(
        AppDay(app_id, day, [float(kbps)] * 288) for app_id, kbps in APPS.items() for day in DAYS
    )
    return module_warehouse


def as_json(report: Any) -> Any:
    """Return a report as JavaScript parses it, with doubles as numbers."""
    return json.loads(bytes(json_response(report).body), parse_int=float)


def test_a_day_carries_its_exact_bytes(large: Warehouse) -> None:
    rows = large.rows("select app_id, volume_bytes from mart.bandwidth_daily", role="analyst")
    assert len(rows) == len(APPS) * len(DAYS)
    for row in rows:
        assert isinstance(row["volume_bytes"], Decimal)
        assert str(row["volume_bytes"]) == str(bytes_of([row["app_id"]], 1))
    (total,) = large.rows("select sum(volume_bytes) as bytes from mart.bandwidth_daily", role="analyst")
    assert total["bytes"] == bytes_of(APPS, 31) > BEYOND_64_BITS


@pytest.mark.parametrize(
    ("kbps", "expected"),
    [
        ([0.25, None], 9_375),
        ([1e11, 0.25], 3_750_000_000_009_375),
        ([99_999_999_999.0] * 3, 11_249_999_999_887_500),
        ([0.0], 0),
        ([0.00001], 0),
        ([0.00002], 1),
        ([None], None),
    ],
)
def test_fractions_are_rounded_to_whole_bytes(
    warehouse: Warehouse, kbps: list[float | None], expected: int | None
) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("app", DAYS[0])])
    warehouse.add_days([AppDay("app", DAYS[0], kbps + [None] * (288 - len(kbps)))])
    (row,) = warehouse.rows(
        "select volume_bytes from mart.bandwidth_daily where usage_date = %s", (DAYS[0],), "analyst"
    )
    assert row["volume_bytes"] == expected
    if expected is not None:
        assert volume_bytes(np.array([point for point in kbps if point is not None])) == expected


def test_every_relation_of_mart_can_be_read(large: Warehouse) -> None:
    views = large.rows(
        "select table_name as name from information_schema.views where table_schema = 'mart'", role="analyst"
    )
    assert len(views) >= 10
    for view in views:
        large.rows(f"select * from mart.{view['name']}", role="analyst")
    rows = large.rows(
        "select sum(kbps::numeric) as kbps from mart.bandwidth_5min_between(%s, %s)",
        (
            datetime.combine(DAYS[0], datetime.min.time(), UTC),
            datetime.combine(TODAY, datetime.min.time(), UTC),
        ),
        "analyst",
    )
    assert rows == [{"kbps": sum(APPS.values()) * 288 * len(DAYS)}]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.stem for example in EXAMPLES])
def test_every_example_can_be_run(large: Warehouse, example: Path) -> None:
    rows = large.rows(example.read_text(encoding="utf-8"), role="analyst")
    by_app: dict[str, Decimal] = {}
    for row in rows:
        if row.get("gigabytes") is not None:
            by_app[row["app_id"]] = by_app.get(row["app_id"], Decimal()) + row["gigabytes"]
    days = {"20_top_apps": 30, "25_volume_by_month": 31}.get(example.stem)
    if days:
        assert len(by_app) == (10 if days == 30 else 20)
        for app_id, gigabytes in by_app.items():
            assert abs(gigabytes * 10**9 - bytes_of([app_id], days)) <= 10**6  # two rounded months


def test_traffic_carries_its_exact_bytes(large: Warehouse) -> None:
    with reading(large) as connection:
        summed = traffic.traffic(connection, [], True, DAYS[0], DAYS[-1])
        single = traffic.traffic(connection, ["app-07", "app-01"], False, DAYS[0], DAYS[-1])
        traffic.apps(connection, "", 100)
    (series,) = summed["series"]
    assert series["figures"]["volume_bytes"] == bytes_of(APPS, 31) > BEYOND_64_BITS
    assert [day["volume_bytes"] for day in series["days"]] == [bytes_of(APPS, 1)] * 31
    assert series["figures"]["peak_kbps"] == series["figures"]["p95_kbps"] == sum(APPS.values())
    for one in single["series"]:
        assert one["figures"]["volume_bytes"] == bytes_of([one["app_id"]], 31)
    assert as_json(summed)["series"][0]["figures"]["volume_bytes"] == float(bytes_of(APPS, 31))


def test_the_bill_and_its_file_carry_their_exact_bytes(large: Warehouse) -> None:
    carried, carried_json, carried_csv = 0, 0.0, 0
    with reading(large) as connection:
        months = bill.months(connection)
        assert months == sorted({day.replace(day=1) for day in DAYS})
        for month in months:
            days = sum(day.replace(day=1) == month for day in DAYS)
            page = bill.bill(connection, month)
            volume = bill.volume(connection, page)
            as_json(page)
            for row in volume["apps"]:
                assert row["volume_bytes"] == bytes_of([row["app_id"]], days)
            assert volume["total"]["volume_bytes"] == bytes_of(APPS, days)
            carried += volume["total"]["volume_bytes"]
            carried_json += as_json(volume)["total"]["volume_bytes"]
            text = bill_as_csv(page, volume).removeprefix("\ufeff")
            lines = list(csv.DictReader(StringIO(text, newline="")))
            assert [int(line["volume_bytes"]) for line in lines[:-1]] == [
                bytes_of([line["app_id"]], days) for line in lines[:-1]
            ]
            carried_csv += int(lines[-1]["volume_bytes"])
    assert carried == carried_csv == bytes_of(APPS, 31) > BEYOND_64_BITS
    assert carried_json == pytest.approx(bytes_of(APPS, 31), rel=1e-15, abs=0)


def test_volumes_are_projected_and_compared_exactly() -> None:
    so_far = {"volume_bytes": Decimal(bytes_of(APPS, 21)), "points": 21 * 288}
    assert bill.projected_volume(so_far, expected_days=30) == bytes_of(APPS, 30)


def test_the_other_reports_accept_large_volumes(large: Warehouse) -> None:
    with reading(large) as connection:
        choice = coverage.Choice(DAYS[0], DAYS[-1], "", coverage.Sort.EXPIRY, 100, 0)
        assert len(as_json(coverage.coverage(connection, choice))["apps"]) == len(APPS)
        as_json(health.health(connection))
