"""The true points of an app-day, keyed by slot label, and the response body in the vendor's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from sandbox.traffic.apps import App
from sandbox.traffic.slots import SLOT_LABELS, SLOTS_PER_DAY, existing_slots

# The `value` object in a response: one rate per slot label.
Value = dict[str, int | float]

# Enough for 200 apps over a month, or 1,000 apps over ten days. A body takes about 4.5 kB.
_CACHED_BODIES = 10_000


def render_body(usage_date: date, value: Value, unit: str = "kbps") -> bytes:
    """Render a response body in the vendor's format."""
    return orjson.dumps({"date": usage_date.isoformat(), "unit": unit, "value": value})


class ServedDays:
    """The true points of every app-day, without faults.

    Args:
        zone: The sandbox's time zone, which determines the slots of a day.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.body = lru_cache(maxsize=_CACHED_BODIES)(self._body)

    def value(self, app: App, usage_date: date, slots: int = SLOTS_PER_DAY) -> Value:
        """Return the points of an app-day in kbps, keyed by slot label. An absent point has no key.

        Args:
            app: The app.
            usage_date: The usage date.
            slots: The number of slots that have ended, counted from the start of the day.
        """
        numbers = existing_slots(usage_date, self._zone)[:slots]
        kbps = app.points(usage_date)[numbers]
        if kbps.dtype.kind == "f":
            present = ~np.isnan(kbps)
            numbers, kbps = numbers[present], kbps[present]
        return dict(zip([SLOT_LABELS[n] for n in numbers.tolist()], kbps.tolist(), strict=True))

    def labels(self, usage_date: date, slots: int = SLOTS_PER_DAY) -> list[str]:
        """Return the labels of a day's first slots, whether or not they have a point."""
        return [SLOT_LABELS[n] for n in existing_slots(usage_date, self._zone)[:slots].tolist()]

    def _body(self, app: App, usage_date: date, slots: int) -> bytes:
        return render_body(usage_date, self.value(app, usage_date, slots))


@dataclass(frozen=True)
class ServedDay:
    """The usage date of one request, with the true points of every app.

    Attributes:
        days: The source of the true points.
        app_by_id: The account's apps.
        app_id: The App ID of the request.
        usage_date: The usage date.
        slots: The number of slots that have ended, counted from the start of the day.
    """

    days: ServedDays
    app_by_id: Mapping[str, App]
    app_id: str
    usage_date: date
    slots: int

    def true_value(self, app_id: str) -> Value:
        """Return an app's true points in kbps, keyed by slot label."""
        return self.days.value(self.app_by_id[app_id], self.usage_date, self.slots)

    def labels(self) -> list[str]:
        """Return the label of every slot that has ended, whether or not it has a true point."""
        return self.days.labels(self.usage_date, self.slots)
