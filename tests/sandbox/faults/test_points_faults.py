"""Zeros instead of a day's points, and another app's points."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.traffic.slots import SLOT_LABELS
from tests.sandbox.in_process import sandbox_in_process
from tests.support.sandbox_server import RunningSandbox

DAY = date(2026, 11, 20)
TODAY = date(2026, 11, 22)


def test_zeros_first_and_the_true_points_next(sandbox: RunningSandbox) -> None:
    app_days = [(app_id, DAY - timedelta(days=age)) for app_id in sandbox.app_ids[:2] for age in (0, 1)]
    truth = [sandbox.fetch(*app_day).body for app_day in app_days]
    sandbox.put_faults([{"kind": "zeros", "times": 1, "per": "app_day"}])
    for app_id, day in app_days:
        body = sandbox.fetch(app_id, day).json()
        assert body == {"date": day.isoformat(), "unit": "kbps", "value": dict.fromkeys(SLOT_LABELS, 0)}
    assert [sandbox.fetch(*app_day).body for app_day in app_days] == truth


def test_zeros_of_a_slot_without_a_true_point(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "withhold", "slots": ["00:00"]}, {"kind": "zeros"}])
    assert len(sandbox.fetch(sandbox.app_ids[0], DAY).json()["value"]) == 288
    sandbox.put_faults([{"kind": "zeros"}, {"kind": "withhold", "slots": ["00:00"]}])
    assert len(sandbox.fetch(sandbox.app_ids[0], DAY).json()["value"]) == 287


def test_zeros_of_a_recorded_day_with_gaps(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20)  # noqa: DTZ001 - the file has no zone
    starts = [midnight + timedelta(minutes=5 * slot) for slot in range(2 * 288)]
    rows = [f"{start},1000000" for start in starts if start.day != 20 or start.hour != 3]
    file = tmp_path / "link.csv"
    file.write_text("\n".join(["interval_start,bits", *rows]) + "\n")
    with sandbox_in_process(clock="2026-11-22T12:00:00Z", traffic=file) as sandbox:
        app_id = sandbox.app_ids[-1]
        assert len(sandbox.fetch(app_id, DAY).json()["value"]) == 276
        sandbox.put_faults([{"kind": "zeros"}])
        assert sandbox.fetch(app_id, DAY).json()["value"] == dict.fromkeys(SLOT_LABELS, 0)


def test_zeros_of_today_end_with_the_last_slot_that_is_over(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "zeros"}])
    assert sandbox.fetch(sandbox.app_ids[0], TODAY).json()["value"] == dict.fromkeys(SLOT_LABELS[:144], 0)


def test_zeros_of_a_23_hour_day() -> None:
    clock, fault = "2026-03-31T12:00:00Z", {"kind": "zeros"}
    with sandbox_in_process(timezone="Europe/Berlin", clock=clock, faults=[fault]) as sandbox:
        value = sandbox.fetch(sandbox.app_ids[0], date(2026, 3, 29)).json()["value"]
    assert (len(value), "02:30" in value) == (276, False)


@pytest.mark.parametrize("by", ["same_as", "same_as_app_id"])
def test_two_apps_have_identical_bodies(sandbox: RunningSandbox, by: str) -> None:
    one, other = sandbox.app_ids[0], sandbox.app_ids[4]
    truth = {day: sandbox.fetch(other, day).body for day in (DAY, TODAY)}
    sandbox.put_faults([{"kind": "same_as", "app": 4, by: 0 if by == "same_as" else one}])
    for day in (DAY, TODAY):
        assert sandbox.fetch(other, day).body == sandbox.fetch(one, day).body != truth[day]


def test_identical_bodies_on_one_day_only(sandbox: RunningSandbox) -> None:
    one, other, before = sandbox.app_ids[0], sandbox.app_ids[4], DAY - timedelta(days=1)
    sandbox.put_faults([{"kind": "same_as", "app": 4, "same_as": 0, "usage_date": DAY.isoformat()}])
    assert sandbox.fetch(other, DAY).body == sandbox.fetch(one, DAY).body
    assert sandbox.fetch(other, before).body != sandbox.fetch(one, before).body


def test_same_as_serves_the_true_points_of_the_other_app(sandbox: RunningSandbox) -> None:
    truth = sandbox.fetch(sandbox.app_ids[0], DAY).body
    sandbox.put_faults([{"kind": "zeros", "app": 0}, {"kind": "same_as", "app": 4, "same_as": 0}])
    assert sandbox.fetch(sandbox.app_ids[4], DAY).body == truth
    sandbox.put_faults([{"kind": "same_as", "app": 4, "same_as": 0}, {"kind": "restate", "factor": 0}])
    assert set(sandbox.fetch(sandbox.app_ids[4], DAY).json()["value"].values()) == {0}
