"""A second reading of a body, slow and by other means than the decoder's, for tests to compare with."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

IN_KBPS = {"bps": Fraction(1, 1000), "kbps": Fraction(1), "Mbps": Fraction(1000), "Gbps": Fraction(10**6)}
MOST_KBPS = 10**11


class Refused(Exception):
    """The body does not say what was asked for."""


def slow_reading(body: bytes, usage_date: date) -> dict[int, float]:
    """Return the kbps by slot, each the double nearest to what is written.

    Raises:
        Refused: The body is anything but the asked day in the documented shape.
    """
    try:
        content = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_each_key_once,
            parse_int=float,  # of the text: the nearest double, which has no limit on digits
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise Refused from error
    _require(isinstance(content, dict) and set(content) == {"date", "unit", "value"})
    year, month, day = usage_date.year, usage_date.month, usage_date.day
    _require(content["date"] == f"{year:04d}-{month:02d}-{day:02d}")
    _require(isinstance(content["unit"], str) and content["unit"] in IN_KBPS)
    _require(isinstance(content["value"], dict))
    return {_slot(label): _kbps(number, content["unit"]) for label, number in content["value"].items()}


def _slot(label: str) -> int:
    hour, colon, minute = label.partition(":")
    _require(colon == ":" and len(hour) == len(minute) == 2 and (hour + minute).isascii())
    _require(hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60)
    _require(int(minute) % 5 == 0)
    return (60 * int(hour) + int(minute)) // 5


def _kbps(number: Any, unit: str) -> float:
    _require(isinstance(number, float) and math.isfinite(number))
    kbps = float(Fraction(number) * IN_KBPS[unit])
    _require(0 <= kbps <= MOST_KBPS)
    return kbps


def _each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    _require(len({key for key, _ in pairs}) == len(pairs))
    return dict(pairs)


def _no_number(name: str) -> None:
    raise Refused(name)


def _require(holds: bool) -> None:
    if not holds:
        raise Refused
