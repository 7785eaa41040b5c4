"""Strict decoding of one answer's body: exactly the documented shape, or a reason for refusing it."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from agora.bandwidth.grid import LABELS, SLOT_OF_LABEL, SLOTS_PER_DAY
from agora.errors import AnswerRejected

# Numerator and denominator: a division by 1,000 is exact to the last bit where a factor of 0.001 is not.
KBPS_PER_UNIT = {"bps": (1, 1_000), "kbps": (1, 1), "Mbps": (1_000, 1), "Gbps": (1_000_000, 1)}
MOST_KBPS = (
    1e11  # 100 Tbit a second: above any customer's traffic, below what the bytes of a day could overflow
)
KEYS = {"date", "unit", "value"}
STRING = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)')  # in sound JSON; a colon follows where it is a key


@dataclass(frozen=True, slots=True)
class DayPoints:
    """The points of one answer, on the day's grid.

    Attributes:
        kbps: One element a slot, 288 of them; NaN where the vendor delivered none.
        points: How many it delivered.
    """

    kbps: list[float]
    points: int


def decode(body: bytes, usage_date: date) -> DayPoints:
    """Read the body of a 200 for one usage date.

    Source: Dashboard RESTful API, bandwidth call: `{"date": "YYYY-MM-DD", "unit": "kbps", "value":
    {"00:00": 100, …}}`. Units of the same family are converted; anything ambiguous is refused.

    Raises:
        AnswerRejected: With the reason, in a few words that repeat at most a few characters of the body.
    """
    content = _parsed(body)
    if content["date"] != usage_date.isoformat():
        raise AnswerRejected(f"asked for {usage_date}, answered for {_short(content['date'])}")
    unit = content["unit"]
    if not isinstance(unit, str) or unit not in KBPS_PER_UNIT:
        raise AnswerRejected(f"unit {_short(unit)} is none of {', '.join(KBPS_PER_UNIT)}")
    day = _on_grid(_in_kbps(content["value"], unit))
    _refuse_duplicates(body, day.points)
    return day


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AnswerRejected(f"not JSON: {error.msg} at byte {error.pos} of {len(body)}") from None
    if not isinstance(content, dict):
        raise AnswerRejected(f"a JSON object is expected, got {type(content).__name__}")
    if content.keys() != KEYS:
        raise AnswerRejected(_other_keys(content))
    if not isinstance(content["value"], dict):
        raise AnswerRejected(f"value must be an object of points, got {type(content['value']).__name__}")
    return content


def _other_keys(content: dict[str, Any]) -> str:
    missing = ", ".join(sorted(KEYS - content.keys()))
    further = ", ".join(_short(key) for key in sorted(content.keys() - KEYS)[:5])
    return "; ".join(
        part for part in (missing and f"no {missing}", further and f"unknown keys {further}") if part
    )


def _refuse_duplicates(body: bytes, points: int) -> None:
    """Refuse a body with more keys than were kept: of two equal ones orjson keeps the last, in silence."""
    # Each key brings a colon and each label carries one more. Where that adds up, and no escape hides a
    # colon, there is no need to look closer.
    if b"\\" not in body and body.count(b":") == len(KEYS) + 2 * points:
        return
    keys = [text for text, colon in STRING.findall(body) if colon]
    if len(keys) != len(KEYS) + points:
        twice, _ = Counter(map(orjson.loads, keys)).most_common(1)[0]
        raise AnswerRejected(f"the key {_short(twice)} stands twice")


def _in_kbps(value: dict[str, Any], unit: str) -> dict[str, float]:
    if not set(map(type, value.values())) <= {int, float}:
        label = next(label for label, number in value.items() if type(number) not in (int, float))
        raise AnswerRejected(f"the point {_short(label)} is {_short(value[label])}, not a number")
    times, divided_by = KBPS_PER_UNIT[unit]
    kbps = value if times == divided_by else {k: number * times / divided_by for k, number in value.items()}
    if kbps and not (min(kbps.values()) >= 0 and max(kbps.values()) <= MOST_KBPS):
        label = next(label for label, number in kbps.items() if not 0 <= number <= MOST_KBPS)
        raise AnswerRejected(
            f"the point {_short(label)} is {_short(value[label])} {unit},"
            f" which is below zero or beyond {MOST_KBPS:g} kbps"
        )
    return kbps


def _on_grid(kbps: dict[str, float]) -> DayPoints:
    if tuple(kbps) == LABELS:
        return DayPoints(list(kbps.values()), SLOTS_PER_DAY)
    on_grid = [math.nan] * SLOTS_PER_DAY
    for label, number in kbps.items():
        slot = SLOT_OF_LABEL.get(label)
        if slot is None:
            raise AnswerRejected(f"{_short(label)} is no five-minute label from 00:00 to 23:55")
        on_grid[slot] = number
    return DayPoints(on_grid, len(kbps))


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except RecursionError:  # lists in lists, hundreds deep
        text = type(value).__name__
    return text if len(text) <= 40 else text[:37] + "…"
