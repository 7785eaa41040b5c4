"""The account's apps: App ID, name, and where their points come from."""

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

from sandbox.replay import Replay
from sandbox.traffic import TrafficModel

Points = NDArray[np.int64] | NDArray[np.float64]
MOST_APPS = 100_000


@dataclass(frozen=True)
class App:
    """One app of the account.

    Attributes:
        index: Its position in the list of apps.
        app_id: 32 lower-case hexadecimal digits.
        name: A name for people, such as classroom-03.
        profile: Its weekly rhythm, or "replay".
        habit: What sets it apart from a steady app.
        points: kbps per slot of a calendar day, 288; NaN where there is no point.
    """

    index: int
    app_id: str
    name: str
    profile: str
    habit: str
    points: Callable[[date], Points] = field(repr=False, compare=False)

    def described(self) -> dict[str, Any]:
        """What the control calls tell of the app."""
        return {
            "index": self.index,
            "app_id": self.app_id,
            "name": self.name,
            "profile": self.profile,
            "habit": self.habit,
        }


def seeded_apps(seed: int, count: int) -> list[App]:
    """Lists a seed's first apps; an app does not change with how many follow it."""
    model = TrafficModel(seed)
    return [_seeded_app(model, seed, index) for index in range(count)]


def replay_app(seed: int, index: int, path: Path, replay: Replay) -> App:
    """Makes the app that carries a file's traffic, with an App ID that follows from the seed alone."""
    stem = re.sub(r"[^a-z0-9]+", "-", path.name.lower().split(".")[0]).strip("-")
    return App(index, _app_id(seed, "replay"), f"replay-{stem}", "replay", "recorded", replay.points)


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
