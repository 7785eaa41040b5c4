"""The traffic model. The points of an app-day depend only on the seed, the app and the date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from sandbox.traffic.profiles import PROFILES, Profile
from sandbox.traffic.slots import SLOTS_PER_DAY

_SMALLEST_PEAK_KBPS = 1_000
_LARGEST_PEAK_KBPS = 1_000_000
_GOLDEN_RATIO = 0.6180339887498949
_KNOTS_PER_DAY = 8
_CHOICES = 12
_SLOT_SHARE_OF_DAY = np.arange(SLOTS_PER_DAY) / SLOTS_PER_DAY
_KNOT_BEFORE = (_SLOT_SHARE_OF_DAY * _KNOTS_PER_DAY).astype(np.int64)
# The position between two knots, from 0 to 1, eased by a cosine.
_EASED = (1 - np.cos(np.pi * (_SLOT_SHARE_OF_DAY * _KNOTS_PER_DAY - _KNOT_BEFORE))) / 2


class Habit(StrEnum):
    """The pattern of an app's traffic."""

    STEADY = "steady"
    IDLE = "idle"
    EVENTS = "events"
    LAUNCHES = "launches"
    OUTAGES = "outages"


# Assigned by position in each group of 20 apps, so that 20 apps show every habit at least once.
_HABITS = {5: Habit.EVENTS, 6: Habit.IDLE, 10: Habit.LAUNCHES, 13: Habit.OUTAGES}
_EVENT_CHANCE_PER_DAY = {Habit.EVENTS: 0.3}
_OUTAGE_CHANCE_PER_DAY = {Habit.OUTAGES: 0.3}
_RARE_EVENT = 0.03
_RARE_OUTAGE = 0.01


@dataclass(frozen=True)
class Character:
    """The properties of an app that do not change from day to day.

    Attributes:
        profile: The weekly profile.
        habit: The traffic pattern.
        peak_kbps: The approximate peak of an ordinary week.
    """

    profile: Profile
    habit: Habit
    peak_kbps: float


class TrafficModel:
    """Seeded traffic with random access. A day's points depend on neither other requests nor today's date.

    Args:
        seed: Any integer. The same seed gives the same points for the same date.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._size_offset = _uniform(f"{seed}:size", 1)[0]

    def character(self, app_index: int) -> Character:
        """Return an app's constant properties."""
        # Golden-ratio steps spread any number of sizes evenly over the scale.
        scale = (self._size_offset + app_index * _GOLDEN_RATIO) % 1.0
        return Character(
            profile=PROFILES[app_index % len(PROFILES)],
            habit=_HABITS.get(app_index % 20, Habit.STEADY),
            peak_kbps=_SMALLEST_PEAK_KBPS * (_LARGEST_PEAK_KBPS / _SMALLEST_PEAK_KBPS) ** float(scale),
        )

    def points(self, app_index: int, usage_date: date) -> NDArray[np.int64]:
        """Return the points of an app-day: 288 non-negative integers, in kbps.

        Args:
            app_index: The index of the app.
            usage_date: The date.
        """
        character = self.character(app_index)
        if character.habit is Habit.IDLE:
            return np.zeros(SLOTS_PER_DAY, dtype=np.int64)
        draws = self._draws(app_index, usage_date.toordinal())
        next_draws = self._draws(app_index, usage_date.toordinal() + 1)
        kbps = character.peak_kbps * character.profile.weekly_share[usage_date.weekday()]
        kbps = kbps * _wander(draws, next_draws) * _flicker(draws, character.peak_kbps)
        kbps *= _event(draws, _EVENT_CHANCE_PER_DAY.get(character.habit, _RARE_EVENT))
        kbps *= _outage(draws, _OUTAGE_CHANCE_PER_DAY.get(character.habit, _RARE_OUTAGE))
        if character.habit is Habit.LAUNCHES:
            kbps *= self._season(app_index, usage_date)
        whole: NDArray[np.int64] = np.rint(np.maximum(kbps, 0.0)).astype(np.int64)
        return whole

    def _draws(self, app_index: int, day_number: int) -> NDArray[np.float64]:
        return _uniform(
            f"{self._seed}:{app_index}:{day_number}", _CHOICES + _KNOTS_PER_DAY + 2 * SLOTS_PER_DAY
        )

    def _season(self, app_index: int, usage_date: date) -> NDArray[np.float64]:
        """Return the factor for a monthly launch. It is zero before the launch and then rises towards one.

        Every month has a launch, so the window always contains a launch even though the traffic does not
        depend on today's date.
        """
        draw = _uniform(f"{self._seed}:{app_index}:{usage_date.year}-{usage_date.month}", 2)
        launch = 6 + int(draw[0] * 14) + (9 + int(draw[1] * 4)) / 24
        age_days = usage_date.day + _SLOT_SHARE_OF_DAY - launch
        return np.where(age_days < 0, 0.0, 1 - 0.85 * np.exp(-np.maximum(age_days, 0.0) / 3.5))


def _uniform(key: str, count: int) -> NDArray[np.float64]:
    """Return random numbers in [0, 1). Equal keys give equal numbers in every process and every run."""
    digest = blake2b(key.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little"))).random(count)


def _wander(draws: NDArray[np.float64], next_draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor for a slow drift over hours. A day's drift ends where the next day's drift begins."""
    knots = 0.82 + 0.32 * np.append(draws[_CHOICES : _CHOICES + _KNOTS_PER_DAY], next_draws[_CHOICES])
    drift: NDArray[np.float64] = knots[_KNOT_BEFORE] * (1 - _EASED) + knots[_KNOT_BEFORE + 1] * _EASED
    return drift


def _flicker(draws: NDArray[np.float64], peak_kbps: float) -> NDArray[np.float64]:
    """Return the factor for point-to-point noise. The smaller the app, the stronger the noise."""
    first = _CHOICES + _KNOTS_PER_DAY
    centred = draws[first : first + SLOTS_PER_DAY] + draws[first + SLOTS_PER_DAY :] - 1.0
    factor: NDArray[np.float64] = 1.0 + (0.04 + 0.22 * (_SMALLEST_PEAK_KBPS / peak_kbps) ** 0.4) * centred
    return factor


def _event(draws: NDArray[np.float64], chance: float) -> NDArray[np.float64] | float:
    """Return the factor for an extraordinary peak, such as a match, a concert or an exam."""
    if draws[0] >= chance:
        return 1.0
    middle = (9 + 13 * draws[1]) / 24
    spread = (0.3 + 0.9 * draws[2]) / 24
    bell: NDArray[np.float64] = np.exp(-0.5 * ((_SLOT_SHARE_OF_DAY - middle) / spread) ** 2)
    return 1.0 + float(0.6 + 1.6 * draws[3]) * bell


def _outage(draws: NDArray[np.float64], chance: float) -> NDArray[np.float64] | float:
    """Return the factor for an outage, which is zero for hours. The vendor delivers zeros, not gaps."""
    if draws[4] >= chance:
        return 1.0
    start = draws[5] * 0.85
    length = (0.75 + 3.5 * draws[6]) / 24
    return np.where((start <= _SLOT_SHARE_OF_DAY) & (start + length > _SLOT_SHARE_OF_DAY), 0.0, 1.0)
