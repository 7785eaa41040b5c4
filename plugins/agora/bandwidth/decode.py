"""Decode a response body strictly: any deviation from the documented shape is a reason to reject it."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import date
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agora.domain import LABELS
from agora.errors import ResponseRejected

# Numerator and denominator. Dividing by 1,000 is exact to the last bit; multiplying by 0.001 is not.
KBPS_PER_UNIT = {"bps": (1, 1_000), "kbps": (1, 1), "Mbps": (1_000, 1), "Gbps": (1_000_000, 1)}
MOST_KBPS = 1e11  # 100 Tbit/s: above any customer's traffic, and too low for a day's bytes to overflow
MOST_SHOWN, PIECE = 20, 7  # a reason quotes strings of up to 20 characters, otherwise the first 7
STRING = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)')  # in valid JSON; a key is followed by a colon

# One field per slot, named after the vendor's label. A missing label becomes NaN.
Points: Any = msgspec.defstruct(
    "Points",
    [(f"slot_{slot}", float, math.nan) for slot in range(len(LABELS))],
    rename={f"slot_{slot}": label for slot, label in enumerate(LABELS)},
    forbid_unknown_fields=True,
)


class Day(msgspec.Struct, forbid_unknown_fields=True):
    """The documented body: `{"date": "YYYY-MM-DD", "unit": "kbps", "value": {"00:00": 100, …}}`."""

    date: str
    unit: str
    value: Points


DAY = msgspec.json.Decoder(Day)


def decode(body: bytes, usage_date: date) -> NDArray[np.float64]:
    """Return the rates for one usage date from the body of a 200 response.

    Source: Dashboard RESTful API, bandwidth call. Rates in bps, Mbps or Gbps are converted. Ambiguous bodies
        are rejected.

    Returns:
        288 rates in kbps. Slot n starts n × 5 minutes after midnight. NaN means that the vendor did not
        deliver the point.

    Raises:
        ResponseRejected: The message gives the reason and quotes at most a few characters of the body.
    """
    day = _parsed(body)
    if day.date != usage_date.isoformat():
        raise ResponseRejected(f"requested {usage_date}, got {_short(day.date)}")
    if day.unit not in KBPS_PER_UNIT:
        raise ResponseRejected(f"unit {_short(day.unit)} is not one of {', '.join(KBPS_PER_UNIT)}")
    kbps = _in_kbps(np.array(msgspec.structs.astuple(day.value)), day.unit)
    _refuse_duplicates(body, points=int(np.count_nonzero(~np.isnan(kbps))))
    return kbps


def _parsed(body: bytes) -> Day:
    try:
        return DAY.decode(body)
    except msgspec.ValidationError as error:
        raise ResponseRejected(f"not as documented: {_printable(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = _printable(str(error).removeprefix("JSON is malformed: "))
        raise ResponseRejected(f"not JSON: {what} in {len(body)} bytes") from None


def _in_kbps(rates: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    times, divided_by = KBPS_PER_UNIT[unit]
    kbps = rates if times == divided_by else rates * times / divided_by
    implausible = (kbps < 0) | (kbps > MOST_KBPS)
    if implausible.any():
        slot = int(implausible.argmax())
        raise ResponseRejected(
            f"the point {LABELS[slot]} is {rates[slot]:.15g} {unit},"
            f" which is below zero or beyond {MOST_KBPS:g} kbps"
        )
    return kbps


def _refuse_duplicates(body: bytes, points: int) -> None:
    """Reject a body with duplicate keys, because the decoder silently keeps only the last duplicate."""
    known = len(Day.__struct_fields__) + points
    # Each key adds one colon, and each label contains another. If the number of colons matches and no escape
    # hides a colon, there are no duplicates.
    if b"\\" not in body and body.count(b":") == known + points:
        return
    keys = [text for text, colon in STRING.findall(body) if colon]
    if len(keys) != known:
        twice, _ = Counter(map(msgspec.json.decode, keys)).most_common(1)[0]
        raise ResponseRejected(f"the key {_short(twice)} occurs twice")


def _short(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    """Shorten a string so that it reveals no part of a secret. A replay has no secrets to mask with."""
    return text if len(text) <= MOST_SHOWN else f"{text[:PIECE]}…"


def _printable(text: str) -> str:
    """Return the decoder's message in printable characters, with any quoted key shortened."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return re.sub(r"(?<=field `).*?(?=`(?: - at `\$[^`]*`)?$)", lambda key: _cut(key[0]), shown)
