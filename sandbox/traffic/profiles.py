"""Weekly traffic profiles: the traffic in each slot of the week, as a share of the app's peak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sandbox.traffic.slots import SLOTS_PER_DAY

_HOURS_PER_WEEK = 7 * 24


@dataclass(frozen=True)
class Bump:
    """A busy time of the day, modelled as a bell curve.

    Attributes:
        hour: The hour of the maximum.
        spread_hours: The standard deviation.
        height: The height relative to the profile's other bumps.
    """

    hour: float
    spread_hours: float
    height: float


@dataclass(frozen=True)
class Profile:
    """A weekly traffic profile.

    Attributes:
        name: The name of the profile.
        app_name: The first part of the names of apps with this profile.
        floor: The level at the quietest time, on the same scale as the heights of the bumps.
        bumps: The busy times of a day.
        day_weights: The weight of each day of the week, Monday first.
    """

    name: str
    app_name: str
    floor: float
    bumps: tuple[Bump, ...]
    day_weights: tuple[float, ...]

    @cached_property
    def weekly_share(self) -> NDArray[np.float64]:
        """The share of the peak, from 0 to 1. Rows are days of the week, Monday first. Columns are slots."""
        hours = np.arange(7 * SLOTS_PER_DAY) * (_HOURS_PER_WEEK / (7 * SLOTS_PER_DAY))
        level = np.full(hours.shape, self.floor)
        for day, weight in enumerate(self.day_weights):
            for bump in self.bumps:
                # The distance wraps around the week, so that a late evening continues after midnight.
                distance = (hours - (24 * day + bump.hour) + _HOURS_PER_WEEK / 2) % _HOURS_PER_WEEK - (
                    _HOURS_PER_WEEK / 2
                )
                level += weight * bump.height * np.exp(-0.5 * (distance / bump.spread_hours) ** 2)
        share: NDArray[np.float64] = (level / level.max()).reshape(7, SLOTS_PER_DAY)
        return share


PROFILES: tuple[Profile, ...] = (
    Profile(
        "evening entertainment",
        "livestream",
        0.05,
        (Bump(21.2, 1.9, 1.0), Bump(12.8, 1.6, 0.32), Bump(17.5, 1.8, 0.22)),
        (0.8, 0.8, 0.84, 0.88, 1.05, 1.2, 1.12),
    ),
    Profile(
        "office hours",
        "meetings",
        0.02,
        (Bump(10.2, 1.2, 1.0), Bump(15.0, 1.4, 0.9), Bump(12.6, 1.2, 0.25)),
        (0.95, 1.0, 1.0, 0.96, 0.8, 0.07, 0.05),
    ),
    Profile(
        "classroom",
        "classroom",
        0.01,
        (
            Bump(8.6, 0.42, 0.85),
            Bump(10.4, 0.45, 1.0),
            Bump(14.3, 0.5, 0.8),
            Bump(16.2, 0.45, 0.62),
            Bump(19.4, 0.75, 0.7),
        ),
        (1.0, 1.0, 0.97, 1.0, 0.9, 0.42, 0.12),
    ),
    Profile(
        "round the clock",
        "support",
        0.7,
        (Bump(11.0, 3.0, 0.2), Bump(20.0, 2.5, 0.24)),
        (1.0, 1.0, 1.0, 1.0, 1.0, 0.85, 0.82),
    ),
    Profile(
        "far region, busy at night",
        "overseas",
        0.06,
        (Bump(2.8, 2.1, 1.0), Bump(18.6, 1.6, 0.3)),
        (0.9, 0.85, 0.85, 0.88, 0.95, 1.15, 1.2),
    ),
)
