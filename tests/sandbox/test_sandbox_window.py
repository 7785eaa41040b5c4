"""The vendor window: its edges by rule, calendar and time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.traffic.slots import ended_slots
from sandbox.window import Window
from tests.sandbox.in_process import sandbox_in_process
from tests.support.sandbox_server import RunningSandbox


@pytest.mark.parametrize(
    ("rule", "today", "oldest"),
    [
        ("30 days", "2026-11-22", "2026-10-23"),
        ("31 days", "2026-11-22", "2026-10-22"),
        ("30 days", "2026-03-01", "2026-01-30"),
        ("1 day", "2026-03-01", "2026-02-28"),
        ("1 month", "2026-11-22", "2026-10-22"),
        ("1 month", "2026-03-01", "2026-02-01"),
        ("1 month", "2026-03-28", "2026-02-28"),
        ("1 month", "2026-03-29", "2026-02-28"),
        ("1 month", "2026-03-30", "2026-02-28"),
        ("1 month", "2026-03-31", "2026-02-28"),
        ("1 month", "2028-03-29", "2028-02-29"),
        ("1 month", "2028-03-31", "2028-02-29"),
        ("1 month", "2026-01-31", "2025-12-31"),
        ("1 month", "2026-05-31", "2026-04-30"),
    ],
)
def test_the_oldest_usage_date(rule: str, today: str, oldest: str) -> None:
    assert Window.parse(rule).oldest_usage_date(date.fromisoformat(today)) == date.fromisoformat(oldest)


@pytest.mark.parametrize(
    "rule", ["", "30", "0 days", "-1 days", "2 months", "30  days", "٣٠ days", "1 Month"]
)
def test_refuses_an_invalid_rule(rule: str) -> None:
    with pytest.raises(ValueError, match="window"):
        Window.parse(rule)


@pytest.mark.parametrize(
    ("window", "clock", "oldest"),
    [
        ("30 days", "2026-11-22T12:00:00Z", date(2026, 10, 23)),
        ("31 days", "2026-11-22T12:00:00Z", date(2026, 10, 22)),
        ("1 month", "2026-03-30T12:00:00Z", date(2026, 2, 28)),
        ("1 month", "2026-03-31T12:00:00Z", date(2026, 2, 28)),
        ("1 month", "2028-03-31T12:00:00Z", date(2028, 2, 29)),
    ],
)
def test_serves_the_oldest_usage_date_and_no_older_one(window: str, clock: str, oldest: date) -> None:
    with sandbox_in_process(window=window, clock=clock) as sandbox:
        app_id = sandbox.app_ids[0]
        assert sandbox.health()["oldest_usage_date"] == oldest.isoformat()
        assert sandbox.fetch(app_id, oldest).status == 200
        too_old = sandbox.fetch(app_id, oldest - timedelta(days=1))
        assert too_old.status == 400
        assert window in too_old.json()["message"]


def test_the_clock_moves_the_window(sandbox: RunningSandbox) -> None:
    day, app_id = date(2026, 10, 22), sandbox.app_ids[0]
    assert sandbox.fetch(app_id, day).status == 200
    sandbox.put_clock("2026-11-23T00:00:00+00:00")
    assert sandbox.fetch(app_id, day).status == 400
    assert sandbox.fetch(app_id, date(2026, 11, 22)).status == 200


@pytest.mark.parametrize(
    ("timezone", "today"), [("UTC", 22), ("Asia/Shanghai", 23), ("America/New_York", 22)]
)
def test_the_time_zone_decides_today(timezone: str, today: int) -> None:
    with sandbox_in_process(timezone=timezone, clock="2026-11-22T16:30:00Z") as sandbox:
        app_id = sandbox.app_ids[0]
        assert sandbox.fetch(app_id).json()["date"] == f"2026-11-{today - 1}"
        assert sandbox.fetch(app_id, date(2026, 11, today)).status == 200
        assert sandbox.fetch(app_id, date(2026, 11, today + 1)).status == 400


@pytest.mark.parametrize(
    ("day", "slots", "absent"),
    [(date(2026, 3, 29), 276, "02:30"), (date(2026, 10, 25), 288, None), (date(2026, 3, 28), 288, None)],
)
def test_an_hour_that_daylight_saving_skips_has_no_slots(day: date, slots: int, absent: str | None) -> None:
    clock = f"{day + timedelta(days=2)}T12:00:00Z"
    with sandbox_in_process(timezone="Europe/Berlin", clock=clock) as sandbox:
        app_id = sandbox.app_ids[0]
        value = sandbox.fetch(app_id, day).json()["value"]
        assert len(value) == slots
        assert absent not in value
        assert [kbps for kbps in sandbox.points(app_id, day) if kbps is not None] == list(value.values())


@pytest.mark.parametrize(
    ("seconds", "ended"), [(0, 0), (299.9, 0), (300, 1), (599.9, 1), (86_399.9, 287), (86_400, 288)]
)
def test_a_slot_is_over_when_the_next_begins(seconds: float, ended: int) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=seconds)
    assert ended_slots(date(2026, 11, 22), now, ZoneInfo("UTC")) == ended


def test_a_clock_without_an_offset_is_local_time() -> None:
    with sandbox_in_process(timezone="Asia/Shanghai", clock="2026-11-22T00:07:00") as sandbox:
        assert sandbox.health()["now"].startswith("2026-11-22T00:07:")
        assert list(sandbox.fetch(sandbox.app_ids[0], date(2026, 11, 22)).json()["value"]) == ["00:00"]
