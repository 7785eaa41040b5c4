"""The vendor's answers: bodies in its spelling, rendered once and kept ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from sandbox.catalogue import App
from sandbox.slots import SLOT_LABELS, SLOTS_PER_DAY, existing_slots

Value = dict[str, int | float]

# About 4.5 kB a body: room for 200 apps over a month, or 1,000 apps over ten days.
_READY_BODIES = 10_000


@dataclass(frozen=True)
class Answer:
    """One HTTP answer before it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


# Spells a failure as an API does: its status, a sentence, and headers.
Failure = Callable[[int, str, dict[str, str] | None], Answer]


BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Customer ID and Customer Certificate"'}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Makes an error answer of the Dashboard API with a sentence for its reader."""
    return Answer(status, orjson.dumps({"message": message}), headers or {})


def render(usage_date: date, value: Value, unit: str = "kbps") -> bytes:
    """Spells a day as the vendor does."""
    return orjson.dumps({"date": usage_date.isoformat(), "unit": unit, "value": value})


class Answers:
    """Truthful answers, without faults.

    Args:
        zone: The sandbox's time zone, which decides the slots that a day has.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.body = lru_cache(maxsize=_READY_BODIES)(self._body)

    def value(self, app: App, usage_date: date, slots: int = SLOTS_PER_DAY) -> Value:
        """Looks up a day's points.

        Args:
            app: The app.
            usage_date: The calendar day.
            slots: How many of the day's slots, from its start, are over.

        Returns:
            kbps by slot label; a slot without a point has no key.
        """
        numbers = existing_slots(usage_date, self._zone)[:slots]
        kbps = app.points(usage_date)[numbers]
        if kbps.dtype.kind == "f":
            kept = ~np.isnan(kbps)
            numbers, kbps = numbers[kept], kbps[kept]
        return dict(zip([SLOT_LABELS[n] for n in numbers.tolist()], kbps.tolist(), strict=True))

    def labels(self, usage_date: date, slots: int = SLOTS_PER_DAY) -> list[str]:
        """Return the labels of a day's first slots, whether or not they have points."""
        return [SLOT_LABELS[n] for n in existing_slots(usage_date, self._zone)[:slots].tolist()]

    def _body(self, app: App, usage_date: date, slots: int) -> bytes:
        return render(usage_date, self.value(app, usage_date, slots))
