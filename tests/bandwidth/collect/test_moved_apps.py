"""The time zone belongs to the app-day: moving an app to an account in another zone changes no stored day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agora.bandwidth.replay import replay
from agora.settings.apps import parse_apps
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import Night, keys, night_of, product, window_days
from tests.support.paths import ROOT
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

CHECK = ROOT / "sql" / "checks" / "days_start_at_the_accounts_midnight.sql"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def check(warehouse: Warehouse) -> dict[str, bool]:
    (row,) = warehouse.rows(CHECK.read_text("utf-8"))
    return row


def replay_changes(night: Night, *, correct_zone: bool = False) -> int:
    days = sorted({day for _, day in night.ledger()})
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return replay(engine, days[0], days[-1], correct_zone=correct_zone).changed
    finally:
        engine.dispose()


def bills(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from mart.billing_monthly order by app_id, month", role="analyst")


def test_moving_an_app_from_utc_to_shanghai_changes_no_stored_day(warehouse: Warehouse) -> None:
    with (
        running_sandbox(apps=2, quiet=True) as utc,
        running_sandbox(apps=2, timezone="Asia/Shanghai", quiet=True) as shanghai,
    ):
        stays, moves = utc.app_ids
        before = night_of(utc, warehouse, settle_days=0)
        before.run()
        days, points, figures = window_days(utc), before.points(), bills(warehouse)
        before.apps = parse_apps([stays])
        before.configured_elsewhere = [moves]
        after = night_of(
            shanghai,
            warehouse,
            [{"app_id": moves, "conn_id": "shanghai"}],
            conn_id="shanghai",
            timezone="Asia/Shanghai",
        )
        after.configured_elsewhere = [stays]

        before.run()
        planned, _ = after.run()

        # East of UTC, today may be one day later.
        newer = [day for day in window_days(shanghai) if day not in days]
        assert set(keys(planned.app_days)) == product([moves], newer)
        assert {key: row for key, row in after.points().items() if key[1] in days} == points
        assert all(check(warehouse).values())
        assert replay_changes(after) == 0
        assert {key: row for key, row in after.points().items() if key[1] in days} == points
        assert newer or bills(warehouse) == figures

        # The app's next days begin at midnight in Shanghai.
        after.shift_clocks(timedelta(days=1))
        shanghai.put_clock(after.now())
        after.run()
        newest = max(day for app_id, day in after.ledger() if app_id == moves)
        assert newest not in days
        row = after.ledger()[moves, newest]
        assert row["starts_at"] == datetime.combine(newest, time(), SHANGHAI)
        assert row["conn_id"] == "shanghai"
        assert check(warehouse)["every_day_starts_at_its_accounts_midnight"]


def test_a_partial_day_is_completed_only_from_an_account_in_the_same_zone(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as old, running_sandbox(apps=2, quiet=True) as new:
        stays, moves = old.app_ids
        before, day = night_of(old, warehouse, settle_days=0), window_days(old)[-5]
        old.put_faults([{"kind": "withhold", "slots": ["00:00"], "usage_date": str(day), "app_id": moves}])
        before.run()
        for zone, requested in (("Asia/Shanghai", False), ("UTC", True)):
            conn_id = zone.lower().replace("/", "_")
            after = night_of(
                new, warehouse, [{"app_id": moves, "conn_id": conn_id}], conn_id=conn_id, timezone=zone
            )
            after.configured_elsewhere = [stays]
            assert ((moves, day) in after.plan().app_days) == requested, zone


@pytest.mark.parametrize("passed", [timedelta(), timedelta(days=20)])
def test_the_zone_check_fails_until_the_days_are_replayed(warehouse: Warehouse, passed: timedelta) -> None:
    with running_sandbox(apps=2, timezone="Asia/Shanghai", quiet=True) as sandbox:
        mistaken = night_of(sandbox, warehouse, settle_days=0)
        mistaken.run()
        # From 16:00 UTC, the window in Shanghai begins a day later, and the oldest day has no points.
        before = {key: day for key, day in mistaken.points().items() if day[1]}
        assert len(before) >= 2 * 28
        assert all(start.time() == time() for start, _ in before.values())

        corrected = night_of(sandbox, warehouse, settle_days=0, timezone="Asia/Shanghai")
        corrected.plan()
        corrected.shift_clocks(passed)
        sandbox.put_clock(corrected.now())
        corrected.run()
        assert not check(warehouse)["every_day_starts_at_its_accounts_midnight"]
        assert replay_changes(corrected) == 0, "without correct_zone, a day keeps its zone"
        assert not check(warehouse)["every_day_starts_at_its_accounts_midnight"]

        assert replay_changes(corrected, correct_zone=True) == len(before)

        for key, (start, kbps) in before.items():
            moved, points = corrected.points()[key]
            assert (moved - start, points) == (timedelta(hours=-8), kbps)
            assert moved.astimezone(UTC).time() == time(16)
        assert all(check(warehouse).values())
        moved_by = {row["moved_by"] for row in warehouse.rows("select moved_by from mart.restatement")}
        assert moved_by == {timedelta(hours=-8)}
