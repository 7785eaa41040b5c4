"""A slow, independent reference decoder, which tests compare with the product's decoder."""

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
    """The body is not a valid response for the requested day."""


def reference_decode(body: bytes, usage_date: date) -> dict[int, float]:
    """Return the kbps by slot, each as the double nearest to the number in the body.

    Raises:
        Refused: The body is not the requested day in the documented format.
    """
    try:
        content = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_reject_duplicate_keys,
            parse_int=float,  # the nearest double; unlike int, it has no limit on digits
            parse_constant=_refuse_constant,
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


def _reject_duplicate_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    _require(len({key for key, _ in pairs}) == len(pairs))
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise Refused(name)


def _require(holds: bool) -> None:
    if not holds:
        raise Refused
