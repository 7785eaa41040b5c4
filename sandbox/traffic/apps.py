"""The account's apps: their App IDs, their names and the source of their points."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.traffic.model import TrafficModel
from sandbox.traffic.recorded import RecordedTraffic

Points = NDArray[np.int64] | NDArray[np.float64]
MOST_APPS = 100_000


@dataclass(frozen=True)
class App:
    """One app of the account.

    Attributes:
        index: The position in the list of apps.
        app_id: 32 lower-case hexadecimal digits.
        name: A readable name, such as classroom-03.
        profile: The name of the weekly profile, or "replay" for recorded traffic.
        habit: The traffic pattern, such as steady or idle.
        points: A function that returns the 288 points of a date, in kbps. NaN marks an absent point.
    """

    index: int
    app_id: str
    name: str
    profile: str
    habit: str
    points: Callable[[date], Points] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the app's fields for `/_sandbox/apps`."""
        return {name: getattr(self, name) for name in ("index", "app_id", "name", "profile", "habit")}


def seeded_apps(seed: int, count: int) -> list[App]:
    """Return the first apps for a seed. The number of apps does not change the individual apps."""
    model = TrafficModel(seed)
    return [_seeded_app(model, seed, index) for index in range(count)]


def recorded_app(seed: int, index: int, path: Path, recorded: RecordedTraffic) -> App:
    """Return an app that serves a file's recorded traffic. Its App ID depends only on the seed."""
    stem = re.sub(r"[^a-z0-9]+", "-", path.name.lower().split(".")[0]).strip("-")
    return App(index, _app_id(seed, "replay"), f"replay-{stem}", "replay", "recorded", recorded.points)


def _seeded_app(model: TrafficModel, seed: int, index: int) -> App:
    character = model.character(index)
    return App(
        index=index,
        app_id=_app_id(seed, str(index)),
        name=f"{character.profile.app_name}-{index:02d}",
        profile=character.profile.name,
        habit=character.habit.value,
        points=partial(model.points, index),
    )


def _app_id(seed: int, part: str) -> str:
    return blake2b(f"app {seed}:{part}".encode(), digest_size=16).hexdigest()
