"""Generate points for the bills: whole numbers and quarters, so that every sum is exact in binary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = list[float | None]


def values(rng: np.random.Generator) -> list[float]:
    """Return a day's 288 points in one of several patterns."""
    points: NDArray[Any]
    match rng.integers(6):
        case 0:
            points = rng.integers(0, 10 ** int(rng.integers(1, 8)), 288)
        case 1:  # ties
            points = rng.integers(0, 4, 288) * 1000
        case 2:  # fractions
            points = rng.integers(0, 40_000, 288) / 4
        case 3:
            points = np.zeros(288)
        case 4:  # almost idle
            points = np.where(rng.random(288) < 0.02, rng.integers(1, 1000, 288), 0)
        case _:  # a typical day
            points = np.rint(5000 + 4000 * np.sin(np.arange(288) / 46) + rng.integers(0, 500, 288))
    return [float(point) for point in points]


def with_gaps(points: list[float], rng: np.random.Generator) -> Grid:
    """Remove points: a few, half a day, all but a few, or all."""
    match rng.integers(5):
        case 0:
            absent = set(rng.integers(0, 288, int(rng.integers(1, 20))).tolist())
        case 1:
            absent = set(range(144))
        case 2:
            absent = set(range(288)) - set(rng.integers(0, 288, int(rng.integers(1, 7))).tolist())
        case 3:
            absent = set(range(288)) - {int(rng.integers(288))}
        case _:
            absent = set(range(288))
    return [None if slot in absent else point for slot, point in enumerate(points)]
