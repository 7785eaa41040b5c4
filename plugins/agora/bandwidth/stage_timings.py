"""How many seconds each stage of collecting took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

Stage = Literal["plan", "fetch", "keep", "decode", "load", "check", "refresh"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@contextmanager
def timed(seconds: dict[str, float], stage: Stage) -> Iterator[None]:
    """Add what is done inside to a stage's seconds of the clock."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started
