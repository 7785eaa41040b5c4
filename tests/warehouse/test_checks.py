"""sql/checks: each assertion holds for sound data and fails for the damage that it detects."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.warehouse.database import App, AppDay, Warehouse, days_between

CHECKS = sorted((ROOT / "sql" / "checks").glob("*.sql"))
LAST = datetime.now(UTC).date() - timedelta(days=3)
FIRST = LAST - timedelta(days=20)
DAMAGED = "where usage_date = '{day}' and app_key = (select app_key from core.app where app_id = 'a')"
COLLECTED, PARTIAL, FAILED, UNRECORDED = (LAST - timedelta(days=n) for n in range(4))
SHIFT = "interval '8 hours'"

# The damage that breaks each assertion, and the constraints to drop because they would prevent the damage.
DAMAGE = {
    "every_collected_day_has_its_raw_response": (
        COLLECTED,
        "update core.app_day set body_sha256 = 'another'",
        "",
    ),
    "every_partial_day_has_its_raw_response": (PARTIAL, "update core.app_day set http_status = 203", ""),
    "every_raw_response_has_the_digest_of_its_body": (
        None,
        "insert into raw.bandwidth_response (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
        " values ('a', '2025-01-01', now(), 200, 'a body', 'no digest of it')",
        "",
    ),
    "every_day_starts_at_its_accounts_midnight": (
        COLLECTED,
        f"update core.app_day set starts_at = starts_at - {SHIFT}",
        "",
    ),
    "no_day_is_collected_before_it_begins": (
        PARTIAL,
        "update core.app_day"
        " set starts_at = now() + interval '1 hour', collected_at = now(), verified_at = now()",
        "",
    ),
    "no_day_is_complete_before_it_is_over": (
        COLLECTED,
        "update core.app_day"
        " set starts_at = now() - interval '23 hours', collected_at = now(), verified_at = now()",
        "",
    ),
    "no_day_was_collected_in_the_future": (
        COLLECTED,
        "update core.app_day"
        " set collected_at = now() + interval '1 hour', verified_at = now() + interval '1 hour'",
        "",
    ),
    "every_collected_day_has_288_points": (
        COLLECTED,
        "update core.app_day set points = 287",
        "points_match_state, drop constraint points_are_the_slots_present",
    ),
    "every_partial_day_has_fewer_points": (
        PARTIAL,
        "update core.app_day set points = 288",
        "points_match_state, drop constraint points_are_the_slots_present",
    ),
    "no_other_day_has_points": (
        FAILED,
        "update core.app_day set points = 1, sum_kbps = 1",
        "points_match_state",
    ),
    "every_incomplete_day_says_why": (FAILED, "update core.app_day set reason = ''", ""),
    "every_recorded_day_was_requested": (FAILED, "update core.app_day set attempts = 0", ""),
    "no_day_is_verified_before_it_is_collected": (
        COLLECTED,
        "update core.app_day set verified_at = collected_at - interval '1 second'",
        "",
    ),
    "every_day_counts_its_points": (
        PARTIAL,
        "update core.app_day set points = points - 1",
        "points_are_the_slots_present",
    ),
    "every_day_has_288_slots": (
        PARTIAL,
        "update core.app_day set kbps_int4 = kbps_int4 || null::integer",
        "grid_is_288_slots",
    ),
    "every_day_knows_its_largest_points": (
        COLLECTED,
        "update core.app_day set top_kbps[1] = top_kbps[1] + 1",
        "",
    ),
    "every_day_knows_its_sum": (COLLECTED, "update core.app_day set sum_kbps = sum_kbps + 1", ""),
    "every_stored_p95_matches_its_points": (
        None,
        "update core.month_p95 set p95_kbps = p95_kbps + 1",
        "",
    ),
    "every_stored_sum_matches_its_points": (
        None,
        f"update core.day_sum set kbps[99] = kbps[99] + 1 where usage_date = '{COLLECTED}'",
        "",
    ),
    "every_recorded_date_is_in_the_ledger": (
        None,
        "update core.entered_days"
        f" set usage_dates = usage_dates + datemultirange(daterange('{UNRECORDED}', '{UNRECORDED}', '[]'))",
        "",
    ),
    "every_point_is_a_rate": (
        COLLECTED,
        "update core.app_day set kbps_int4[7] = -1",
        "rates_are_plausible",
    ),
}


def outcomes(warehouse: Warehouse) -> dict[str, bool]:
    """Run every check as the loader, like Airflow. Each check returns one row."""
    found: dict[str, bool] = {}
    for check in CHECKS:
        (row,) = warehouse.rows(check.read_text(encoding="utf-8"), role="loader")
        assert not found.keys() & row.keys()
        found |= row
    return found


@pytest.fixture
def good(warehouse: Warehouse) -> Warehouse:
    """Add two apps in two zones, with complete, partial and failed days and their raw responses."""
    for zone in ("UTC", "Asia/Shanghai"):
        warehouse.add_account(zone, conn_id=zone)
    warehouse.add_apps([App("a", FIRST, conn_id="UTC"), App("b", FIRST, conn_id="Asia/Shanghai")])
    for app_id in ("a", "b"):
        warehouse.add_days(day_of(app_id, day) for day in days_between(FIRST, LAST) if day != UNRECORDED)
        for day in days_between(FIRST, LAST):
            warehouse.add_raw(app_id, day)
    refresh(warehouse)
    return warehouse


def refresh(warehouse: Warehouse) -> None:
    """Store the figures, like the last step of a run."""
    warehouse.rows("select core.refresh_aggregates(1000)", role="loader")


def day_of(app_id: str, day: date) -> AppDay:
    if day == FAILED:
        return AppDay(app_id, day)
    empty = day == LAST - timedelta(days=9)
    return AppDay(
        app_id,
        day,
        [None if empty or (day == PARTIAL and slot < 60) else float(slot) for slot in range(288)],
    )


def test_an_empty_warehouse_passes(warehouse: Warehouse) -> None:
    assert set(outcomes(warehouse).values()) == {True}


def test_good_data_passes(good: Warehouse) -> None:
    assert set(outcomes(good).values()) == {True}


@pytest.mark.parametrize("assertion", DAMAGE)
def test_each_damage_is_found_by_its_assertion(good: Warehouse, assertion: str) -> None:
    day, damage, constraint = DAMAGE[assertion]
    if constraint:
        good.run(f"alter table core.app_day drop constraint {constraint}")
    good.run(f"{damage} {DAMAGED.format(day=day) if day else ''}")
    found = outcomes(good)
    assert found[assertion] is False
    # Several assertions check the shape of a day, but no damage breaks more than two.
    assert sum(not sound for sound in found.values()) <= 2


@pytest.mark.parametrize(
    "damage",
    [
        "delete from core.day_sum where billing_group = ''",
        "update core.day_sum set app_points = app_points + 1 where billing_group = ''",
        "update core.day_sum set kbps[99] = kbps[99] + 1 where billing_group = ''",
    ],
)
def test_a_wrong_or_absent_stored_sum_of_all_apps_is_found(good: Warehouse, damage: str) -> None:
    good.run(damage)
    assert outcomes(good)["every_stored_sum_matches_its_points"] is False


def test_moving_an_app_to_an_account_in_another_zone_is_no_damage(good: Warehouse) -> None:
    good.run("update core.app set conn_id = 'Asia/Shanghai' where app_id = 'a'", role="loader")
    assert set(outcomes(good).values()) == {True}
    good.add_days([AppDay("a", LAST + timedelta(days=1), [1.0] * 288)])
    good.add_raw("a", LAST + timedelta(days=1))
    assert set(outcomes(good).values()) == {True}, "the new days start at another midnight than the old days"


def test_a_corrected_zone_is_reported_until_the_last_old_day_is_moved(good: Warehouse) -> None:
    good.run("update core.app_day set collected_at = collected_at - interval '400 days'", role="loader")
    good.run("update core.vendor_account set timezone = 'Asia/Tokyo' where conn_id = 'UTC'", role="loader")
    wrong = "every_day_starts_at_its_accounts_midnight"
    found = outcomes(good)
    assert [name for name, is_true in found.items() if not is_true] == [wrong]
    days = (
        "from core.app_day where conn_id = 'UTC' and state in ('collected', 'partial')"
        " and starts_at <> usage_date::timestamp at time zone 'Asia/Tokyo'"
    )
    (left,) = good.rows(f"select count(*) {days}")
    assert left["count"] == 19
    for corrected in (18, 1):
        assert outcomes(good)[wrong] is False
        good.run(
            "update core.app_day set starts_at = usage_date::timestamp at time zone 'Asia/Tokyo'"
            f" where (app_key, usage_date) in (select app_key, usage_date {days} limit {corrected})",
            role="loader",
        )
    assert outcomes(good)[wrong] is True, "a day without points has no instant that could be wrong"


def test_every_assertion_has_a_damage(warehouse: Warehouse) -> None:
    assert outcomes(warehouse).keys() == DAMAGE.keys()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.stem)
def test_each_check_states_its_assertion_and_the_remedy(check: Path) -> None:
    head = check.read_text(encoding="utf-8").split("\n\n")[0]
    assert head.startswith("-- Checks ")
    assert "\n-- If it fails: " in head
