"""The kinds of fault that can be scripted: what each does to an answer, and which fields it has."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

import orjson

from sandbox.answers import Answer, Value, error
from sandbox.slots import SLOT_NUMBERS

KBPS_PER_UNIT = {"bps": 0.001, "kbps": 1, "Mbps": 1_000, "Gbps": 1_000_000}


class FaultError(ValueError):
    """A fault is not written as faults are; the sentence says where."""


@dataclass(frozen=True)
class Fault:
    """What a fault does to a call: nothing, except for what each kind overrides."""

    kind: ClassVar[str]

    def instead(self) -> Answer | None:
        """Gives the answer that takes the place of the truthful one."""
        return None

    def changed(self, value: Value) -> Value:
        """Changes the points of a truthful answer, in kbps."""
        return value

    def unit(self) -> str | None:
        """Names the unit that the truthful answer is given in."""
        return None


@dataclass(frozen=True)
class StatusFault(Fault):
    """Answers with a status, and with a body of its own where one is given."""

    kind: ClassVar[str] = "status"
    status: int
    body: str | dict[str, Any] | None = None
    retry_after: int | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand(is_int(self.status) and 200 <= self.status <= 599, "status is a number from 200 to 599")
        demand(self.body is None or isinstance(self.body, str | dict), "body is a text or an object")
        demand(
            self.retry_after is None or isinstance(self.retry_after, str) or is_int(self.retry_after),
            "retry_after is a whole number of seconds or an HTTP date",
        )
        demand_headers(self.headers)

    def instead(self) -> Answer:
        """Gives the scripted status."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.body is None:
            return error(self.status, f"The sandbox was told to answer {self.status}.", headers)
        body = self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)
        return Answer(self.status, body, headers)


@dataclass(frozen=True)
class BodyFault(Fault):
    """Answers 200 with a literal body, as text or as Base64 of any bytes."""

    kind: ClassVar[str] = "body"
    body: str | None = None
    body_base64: str | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand((self.body is None) != (self.body_base64 is None), "either body or body_base64 is given")
        demand(isinstance(self.body or "", str), "body is a text")
        demand(isinstance(self.body_base64 or "", str), "body_base64 is a text")
        demand(isinstance(self.content_type, str), "content_type is a text")
        demand_headers(self.headers)
        self._bytes()

    def instead(self) -> Answer:
        """Gives the literal body."""
        return Answer(200, self._bytes(), dict(self.headers), self.content_type)

    def _bytes(self) -> bytes:
        if self.body is not None:
            return self.body.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(self.body_base64 or "", validate=True)
        except (binascii.Error, ValueError) as problem:
            raise FaultError("body_base64 is not Base64") from problem


@dataclass(frozen=True)
class RedirectFault(Fault):
    """Answers 302 to another address."""

    kind: ClassVar[str] = "redirect"
    location: str

    def __post_init__(self) -> None:
        demand(isinstance(self.location, str) and self.location != "", "location is an address")
        demand_headers({"Location": self.location})

    def instead(self) -> Answer:
        """Gives the redirect."""
        return error(302, "Look elsewhere.", {"Location": self.location})


@dataclass(frozen=True)
class WithholdFault(Fault):
    """Leaves points out."""

    kind: ClassVar[str] = "withhold"
    slots: list[str]

    def __post_init__(self) -> None:
        demand(
            isinstance(self.slots, list)
            and all(isinstance(slot, str) and slot in SLOT_NUMBERS for slot in self.slots),
            'slots is a list of five-minute slots such as "00:05"',
        )

    def changed(self, value: Value) -> Value:
        """Drops the withheld slots."""
        return {slot: kbps for slot, kbps in value.items() if slot not in self.slots}


@dataclass(frozen=True)
class RestateFault(Fault):
    """Multiplies the points by a factor, as a vendor does who corrects a day."""

    kind: ClassVar[str] = "restate"
    factor: float

    def __post_init__(self) -> None:
        demand(is_number(self.factor) and self.factor >= 0, "factor is a number, zero or above")

    def changed(self, value: Value) -> Value:
        """Multiplies each point; whole numbers stay whole."""
        return {
            slot: round(kbps * self.factor) if isinstance(kbps, int) else kbps * self.factor
            for slot, kbps in value.items()
        }


@dataclass(frozen=True)
class ScaleUnitFault(Fault):
    """Gives the points in another unit, correctly converted."""

    kind: ClassVar[str] = "scale_unit"
    to: str = field(metadata={"name": "unit"})

    def __post_init__(self) -> None:
        demand(self.to in KBPS_PER_UNIT, f"unit is one of {', '.join(KBPS_PER_UNIT)}")

    def unit(self) -> str:
        """Names the scripted unit."""
        return self.to


@dataclass(frozen=True)
class DelayFault(Fault):
    """Answers late."""

    kind: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        demand(is_number(self.seconds) and 0 <= self.seconds <= 3600, "seconds is a number from 0 to 3600")


@dataclass(frozen=True)
class TruncateFault(Fault):
    """Announces the whole body, sends only its beginning and closes the connection."""

    kind: ClassVar[str] = "truncate"
    bytes: int

    def __post_init__(self) -> None:
        demand(is_int(self.bytes) and self.bytes >= 0, "bytes is a whole number, zero or above")


@dataclass(frozen=True)
class DisconnectFault(Fault):
    """Closes the connection without an answer."""

    kind: ClassVar[str] = "disconnect"


KINDS: dict[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        StatusFault,
        BodyFault,
        RedirectFault,
        WithholdFault,
        RestateFault,
        ScaleUnitFault,
        DelayFault,
        TruncateFault,
        DisconnectFault,
    )
}


def field_names(kind: type[Fault]) -> list[str]:
    """Names a kind's own fields as the script spells them."""
    return [name_of(f) for f in fields(kind)]


def name_of(f: Field[Any]) -> str:
    """Return a field's name as the script spells it."""
    return str(f.metadata.get("name", f.name))


def in_unit(value: Value, unit: str) -> Value:
    """Convert a day from kbps."""
    if unit == "kbps":
        return value
    if unit == "bps":
        return {slot: kbps * 1000 for slot, kbps in value.items()}
    return {slot: kbps / KBPS_PER_UNIT[unit] for slot, kbps in value.items()}


def is_int(thing: object) -> bool:
    """Tell whether it is a whole number, and no boolean."""
    return isinstance(thing, int) and not isinstance(thing, bool)


def is_number(thing: object) -> bool:
    """Tell whether it is a finite number, and no boolean."""
    return isinstance(thing, int | float) and not isinstance(thing, bool) and math.isfinite(thing)


def demand(holds: bool, sentence: str) -> None:
    """Refuse what does not hold.

    Raises:
        FaultError: With the sentence.
    """
    if not holds:
        raise FaultError(sentence)


def demand_headers(headers: object) -> None:
    """Refuse headers that are no object of printable texts."""
    # A line break in a header would begin another one.
    demand(
        isinstance(headers, dict)
        and all(isinstance(part, str) and part.isprintable() for pair in headers.items() for part in pair),
        "headers is an object of printable texts",
    )
