"""The queries in sql/examples about missing, lost and restated days, on a ledger made for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.warehouse.database import App, AppDay, Warehouse, days_between, named
from tests.warehouse.reference import month_of, percentile_95
from tests.warehouse.test_examples import mbps, near, run_example

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
FULL = [4_000.0 + slot for slot in range(288)]
HALF = [float(slot) if slot < 144 else None for slot in range(288)]


def days_ago(number: int) -> date:
    return TODAY - timedelta(days=number)


LEDGER: dict[str, dict[date, AppDay]] = {
    app_id: {day.usage_date: day for day in days}
    for app_id, days in {
        "one": [
            *(AppDay("one", days_ago(number)) for number in (100, 101, 50)),
            AppDay("one", days_ago(60), HALF),
            AppDay("one", days_ago(27), HALF),
            AppDay("one", days_ago(12), state="failed"),
        ],
        "two": [AppDay("two", days_ago(20), state="rejected"), AppDay("two", days_ago(33), state="failed")],
    }.items()
}
PENDING = {("two", YESTERDAY), ("one", days_ago(2))}
DAYS = days_between(days_ago(110), YESTERDAY)
WINDOW_DAYS = 28


@pytest.fixture(scope="module")
def ledger(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account(window=f"{WINDOW_DAYS} days")
    module_warehouse.add_apps(App(app_id, DAYS[0]) for app_id in LEDGER)
    module_warehouse.add_days(
        LEDGER[app_id].get(day, AppDay(app_id, day, FULL))
        for app_id in LEDGER
        for day in DAYS
        if (app_id, day) not in PENDING
    )
    return module_warehouse


def test_expires_soonest(ledger: Warehouse) -> None:
    rows = run_example(ledger, "32_expires_soonest")
    found = [
        (row["app_id"], row["usage_date"], row["state"], row["points"], row["days_left"]) for row in rows
    ]
    assert found == [
        ("one", days_ago(27), "partial", 144, WINDOW_DAYS - 27),
        ("two", days_ago(20), "rejected", 0, WINDOW_DAYS - 20),
        ("one", days_ago(12), "failed", 0, WINDOW_DAYS - 12),
        ("one", days_ago(2), "pending", 0, WINDOW_DAYS - 2),
        ("two", YESTERDAY, "pending", 0, WINDOW_DAYS - 1),
    ]
    assert [row["expires_on"] for row in rows] == [
        row["usage_date"] + timedelta(days=WINDOW_DAYS) for row in rows
    ]


def test_days_lost(ledger: Warehouse) -> None:
    rows = run_example(ledger, "34_days_lost")
    lost_points = {
        "one": {days_ago(100): 288, days_ago(101): 288, days_ago(50): 288, days_ago(60): 144},
        "two": {days_ago(33): 288},
    }
    months = {(app_id, month_of(day)) for app_id, days in lost_points.items() for day in days}
    assert len(rows) == len(months)
    assert {(row["app_id"], row["month"]) for row in rows} == months
    for row in rows:
        app_id = row["app_id"]
        days = [day for day in lost_points[app_id] if month_of(day) == row["month"]]
        of_month = [day for day in DAYS if month_of(day) == row["month"]]
        entries = [LEDGER[app_id].get(day, AppDay(app_id, day, FULL)) for day in of_month]
        known = [entry for entry in entries if (app_id, entry.usage_date) not in PENDING]
        points = sorted(
            (kbps for entry in known for kbps in entry.kbps or () if kbps is not None), reverse=True
        )
        lost = sum(lost_points[app_id][day] for day in days)
        assert (row["lost_days"], row["first_day"], row["last_day"]) == (len(days), min(days), max(days))
        assert (row["lost_points"], row["points"]) == (lost, len(points))
        assert row["expected_points"] == 288 * len(of_month)
        assert row["lost_percent"] == near(100 * lost / (288 * len(of_month)))
        assert row["p95_mbps"] == mbps(percentile_95(points))


def test_restated_days(ledger: Warehouse) -> None:
    changes = [
        ("one", days_ago(7), 3, 0, 4),
        ("two", days_ago(9), 0, 12, 3),
        ("one", days_ago(7), 288, 1, 2),
        ("two", days_ago(91), 5, 5, 1),
    ]
    restated_at = {hours: datetime.now(UTC) - timedelta(hours=hours) for *_, hours in changes}
    for app_id, day, changed, added, hours in changes:
        ledger.run(
            "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
            " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256)"
            " select app_key, %s, %s, %s, %s, now(), now(), '', '' from core.app where app_id = %s",
            (day, restated_at[hours], changed, added, app_id),
            "loader",
        )
    rows = [tuple(row.values()) for row in run_example(ledger, "36_restated_days")]
    assert rows == [
        (*named("one").values(), days_ago(7), month_of(days_ago(7)), 2, 291, 1, restated_at[2]),
        (*named("two").values(), days_ago(9), month_of(days_ago(9)), 1, 0, 12, restated_at[3]),
    ]
