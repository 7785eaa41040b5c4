"""core.entered_days is only a shortcut: a day without a ledger entry is pending in any case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.warehouse.database import App, AppDay, Warehouse, days_between

TODAY = datetime.now(UTC).date()
FIRST, LAST = TODAY - timedelta(days=27), TODAY - timedelta(days=1)  # in every window, so that none is lost
FAILED, COLLECTED = FIRST + timedelta(days=3), FIRST + timedelta(days=20)
PENDING = "select usage_date from mart.coverage where state = 'pending' order by usage_date"
STORED = "select usage_dates::text as stored from core.entered_days"


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    """Add an app with an entry for every expected day, all of them in core.entered_days."""
    warehouse.add_account()
    warehouse.add_apps([App("a", FIRST)])
    warehouse.add_days(
        AppDay("a", day, None if day == FAILED else [1.0] * 288) for day in days_between(FIRST, LAST)
    )
    refresh(warehouse)
    assert warehouse.rows(STORED) == [{"stored": f"{{[{FIRST},{TODAY})}}"}]
    assert pending(warehouse) == []
    return warehouse


def refresh(warehouse: Warehouse) -> None:
    warehouse.rows("select core.refresh_aggregates(1000)", role="loader")


def pending(warehouse: Warehouse) -> list[date]:
    return [row["usage_date"] for row in warehouse.rows(PENDING)]


@pytest.mark.parametrize("points", ["without points", "with points"])
@pytest.mark.parametrize(
    "change",
    [
        "delete from core.app_day where usage_date = '{day}'",
        "update core.app_day set usage_date = usage_date - 100 where usage_date = '{day}'",
        "truncate core.app_day",
    ],
    ids=["deleted", "moved", "truncated"],
)
def test_a_day_whose_entry_is_gone_is_pending_before_and_after_a_refresh(
    stored: Warehouse, change: str, points: str
) -> None:
    day = FAILED if points == "without points" else COLLECTED
    stored.run(change.format(day=day))
    expected = days_between(FIRST, LAST) if change.startswith("truncate") else [day]
    assert pending(stored) == expected
    refresh(stored)
    assert pending(stored) == expected
    stored.add_days(AppDay("a", one, [2.0] * 288) for one in expected)
    assert pending(stored) == []


def test_a_newly_expected_day_is_pending(stored: Warehouse) -> None:
    earlier = FIRST - timedelta(days=2)
    stored.run("update core.app set wanted = wanted + datemultirange(daterange(%s, %s))", (earlier, FIRST))
    assert pending(stored) == days_between(earlier, FIRST - timedelta(days=1))


def test_days_deleted_by_retention_are_not_pending(stored: Warehouse) -> None:
    stored.run("update core.app set kept_since = %s", (COLLECTED,))
    stored.run("delete from core.app_day where usage_date < %s", (COLLECTED,))
    assert pending(stored) == []
    refresh(stored)
    assert pending(stored) == []


def test_a_missing_day_is_pending_without_stored_days(stored: Warehouse) -> None:
    stored.run("delete from core.app_day where usage_date = %s", (COLLECTED,))
    stored.run("truncate core.entered_days, core.changed_app_day")
    assert pending(stored) == [COLLECTED]
