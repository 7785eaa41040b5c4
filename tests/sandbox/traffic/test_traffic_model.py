"""The traffic model: reproducible and realistic."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from sandbox.traffic.apps import seeded_apps
from sandbox.traffic.model import Habit, TrafficModel
from sandbox.traffic.profiles import PROFILES
from tests.support.sandbox_server import running_sandbox

MONTH = [date(2026, 10, 20) + timedelta(days=n) for n in range(32)]


@pytest.fixture(scope="module")
def months() -> dict[str, np.ndarray]:
    """The points of 20 apps by habit and name, one row per day."""
    return {
        f"{app.habit} {app.name}": np.array([app.points(day) for day in MONTH]) for app in seeded_apps(7, 20)
    }


def test_does_not_depend_on_process_clock_or_order() -> None:
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    with running_sandbox(apps=4, seed=99, clock="2026-11-03T00:00:00Z") as one:
        first = [one.fetch(app_id, day).body for app_id in one.app_ids for day in days]
    with running_sandbox(apps=8, seed=99, clock="2026-11-20T09:00:00Z") as other:
        backwards = [other.fetch(a, day).body for a in reversed(other.app_ids[:4]) for day in reversed(days)]
    assert first == backwards[::-1]
    assert len(set(first)) == 8


def test_the_points_of_a_seed_never_change() -> None:
    # A change of these numbers changes the data of every seed in existing scripts and measurements.
    assert TrafficModel(7).points(0, date(2026, 11, 1))[:4].tolist() == [682, 837, 658, 645]
    assert seeded_apps(7, 1)[0].app_id == "4d66d5950e16bd68b04a5e771c157f09"


def test_another_seed_is_another_account() -> None:
    one, other = seeded_apps(1, 5), seeded_apps(2, 5)
    assert not {app.app_id for app in one} & {app.app_id for app in other}
    assert all((a.points(MONTH[0]) != b.points(MONTH[0])).any() for a, b in zip(one, other, strict=True))


def test_twenty_apps_show_every_profile_and_habit() -> None:
    apps = seeded_apps(7, 20)
    assert {app.profile for app in apps} == {profile.name for profile in PROFILES}
    assert {app.habit for app in apps} == {habit.value for habit in Habit}
    assert len({app.name for app in apps}) == len({app.app_id for app in apps}) == 20


def test_points_are_integers_of_zero_or_above(months: dict[str, np.ndarray]) -> None:
    for points in months.values():
        assert points.shape == (32, 288)
        assert points.dtype.kind == "i"
        assert (points >= 0).all()


def test_sizes_span_the_scale() -> None:
    peaks = [TrafficModel(7).character(index).peak_kbps for index in range(20)]
    assert 1_000 <= min(peaks) < 5_000
    assert 300_000 < max(peaks) <= 1_000_000


def test_idle_apps_have_no_traffic(months: dict[str, np.ndarray]) -> None:
    assert not next(points for name, points in months.items() if name.startswith("idle")).any()


def test_launches_are_zero_before_and_rise_after(months: dict[str, np.ndarray]) -> None:
    daily_peak = next(p for name, p in months.items() if name.startswith("launches")).max(axis=1)
    november = daily_peak[[day.month == 11 for day in MONTH]]
    launch = int(np.argmax(november > 0))
    assert launch > 3
    assert not november[:launch].any()
    assert november[launch:].all()
    assert november[-1] > 2 * november[launch]


def test_outages_leave_hours_at_zero(months: dict[str, np.ndarray]) -> None:
    points = next(p for name, p in months.items() if name.startswith("outages"))
    zeros = (points == 0).sum(axis=1)
    assert 9 <= zeros.max() <= 60
    assert (zeros == 0).sum() > 15


def test_events_stand_out(months: dict[str, np.ndarray]) -> None:
    daily_peak = next(p for name, p in months.items() if name.startswith("events")).max(axis=1)
    assert daily_peak.max() > 1.6 * np.median(daily_peak)


def test_profiles_match_their_names() -> None:
    model, monday, sunday = TrafficModel(7), date(2026, 11, 16), date(2026, 11, 15)
    evening, office, classroom, clock, night = (model.points(index, monday) for index in range(5))
    assert 18 * 12 <= int(np.argmax(evening)) <= 23.5 * 12
    assert 8 * 12 <= int(np.argmax(office)) <= 17 * 12
    assert classroom[5 * 12] < 0.1 * classroom.max()
    assert clock.min() > 0.4 * clock.max()
    assert int(np.argmax(night)) <= 6 * 12
    assert model.points(1, sunday).max() < 0.3 * office.max()


def test_there_is_no_step_at_midnight() -> None:
    model = TrafficModel(7)
    jumps = []
    for day in MONTH[:-1]:
        before, after = model.points(3, day), model.points(3, day + timedelta(days=1))
        jumps.append(abs(int(after[0]) - int(before[-1])) / before.max())
    assert np.median(jumps) < 0.1
