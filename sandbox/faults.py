"""Scripted faults: what they may say, and which of them meets a call."""

from __future__ import annotations

import base64
import binascii
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import date
from typing import Any, ClassVar, Literal

import orjson

from sandbox.answers import Answer, Value, error, render
from sandbox.catalogue import App
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
        _demand(_is_int(self.status) and 200 <= self.status <= 599, "status is a number from 200 to 599")
        _demand(self.body is None or isinstance(self.body, str | dict), "body is a text or an object")
        _demand(
            self.retry_after is None or isinstance(self.retry_after, str) or _is_int(self.retry_after),
            "retry_after is a whole number of seconds or an HTTP date",
        )
        _demand_headers(self.headers)

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
        _demand((self.body is None) != (self.body_base64 is None), "either body or body_base64 is given")
        _demand(isinstance(self.body or "", str), "body is a text")
        _demand(isinstance(self.body_base64 or "", str), "body_base64 is a text")
        _demand(isinstance(self.content_type, str), "content_type is a text")
        _demand_headers(self.headers)
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
        _demand(isinstance(self.location, str) and self.location != "", "location is an address")
        _demand_headers({"Location": self.location})

    def instead(self) -> Answer:
        """Gives the redirect."""
        return error(302, "Look elsewhere.", {"Location": self.location})


@dataclass(frozen=True)
class WithholdFault(Fault):
    """Leaves points out."""

    kind: ClassVar[str] = "withhold"
    slots: list[str]

    def __post_init__(self) -> None:
        _demand(
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
        _demand(_is_number(self.factor) and self.factor >= 0, "factor is a number, zero or above")

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
        _demand(self.to in KBPS_PER_UNIT, f"unit is one of {', '.join(KBPS_PER_UNIT)}")

    def unit(self) -> str:
        """Names the scripted unit."""
        return self.to


@dataclass(frozen=True)
class DelayFault(Fault):
    """Answers late."""

    kind: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        _demand(_is_number(self.seconds) and 0 <= self.seconds <= 3600, "seconds is a number from 0 to 3600")


@dataclass(frozen=True)
class TruncateFault(Fault):
    """Announces the whole body, sends only its beginning and closes the connection."""

    kind: ClassVar[str] = "truncate"
    bytes: int

    def __post_init__(self) -> None:
        _demand(_is_int(self.bytes) and self.bytes >= 0, "bytes is a whole number, zero or above")


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


@dataclass
class ScriptedFault:
    """One entry of the script: a fault, the calls it meets, and how often it still does.

    Attributes:
        fault: What happens.
        app_id: The app it is for; None means every app.
        usage_date: The day it is for; None means every day.
        times: How many calls it meets; None means for ever.
        per: Whether `times` counts all calls, or those of each app-day apart.
    """

    fault: Fault
    app_id: str | None = None
    usage_date: date | None = None
    times: int | None = None
    per: Literal["script", "app_day"] = "script"
    met: Counter[tuple[str, date] | None] = field(default_factory=Counter)

    def meets(self, app_id: str, usage_date: date) -> bool:
        """Decides on one call, and counts it where it is met."""
        if self.app_id not in (None, app_id) or self.usage_date not in (None, usage_date):
            return False
        counted_by = (app_id, usage_date) if self.per == "app_day" else None
        if self.times is not None and self.met[counted_by] >= self.times:
            return False
        self.met[counted_by] += 1
        return True


@dataclass(frozen=True)
class FaultyCall:
    """The faults that meet one call, in the script's order."""

    faults: tuple[Fault, ...]

    @property
    def delay_seconds(self) -> float:
        """How long the answer is held back."""
        return sum(fault.seconds for fault in self.faults if isinstance(fault, DelayFault))

    @property
    def disconnects(self) -> bool:
        """Whether the connection is closed without an answer."""
        return any(isinstance(fault, DisconnectFault) for fault in self.faults)

    @property
    def bytes_sent(self) -> int | None:
        """How much of the body is sent; None means all of it."""
        return min((fault.bytes for fault in self.faults if isinstance(fault, TruncateFault)), default=None)

    def instead(self) -> Answer | None:
        """Gives the first answer that takes the truthful one's place."""
        return next((answer for fault in self.faults if (answer := fault.instead()) is not None), None)

    def body(self, usage_date: date, value: Value) -> bytes:
        """Renders a day with the faults' changes."""
        for fault in self.faults:
            value = fault.changed(value)
        unit = next((unit for fault in self.faults if (unit := fault.unit()) is not None), "kbps")
        return render(usage_date, _in_unit(value, unit), unit)


class FaultScript:
    """The list of faults in force."""

    def __init__(self, entries: Sequence[ScriptedFault] = ()) -> None:
        self._entries = list(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def met_by(self, app_id: str, usage_date: date) -> FaultyCall | None:
        """Collects the faults that one call meets, and counts it with each of them."""
        if not self._entries:
            return None
        met = tuple(entry.fault for entry in self._entries if entry.meets(app_id, usage_date))
        return FaultyCall(met) if met else None


def read_script(entries: object, apps: Sequence[App]) -> FaultScript:
    """Reads a list of faults as it stands in JSON.

    Args:
        entries: A list of objects. Each has a `kind` and its fields, and says which calls it meets: `app_id`
            or `app` (an index; without either every app), `usage_date` ("2026-11-01"; without it every day),
            `times` (without it for ever) and `per` ("script", or "app_day" to count each app and day apart).
        apps: The account's apps.

    Raises:
        FaultError: An entry is not of this form; the sentence says which and why.
    """
    if not isinstance(entries, list):
        raise FaultError("Faults are a list of objects.")
    script = []
    for number, entry in enumerate(entries):
        try:
            script.append(_read_entry(entry, apps))
        except FaultError as problem:
            raise FaultError(f"Fault {number}: {problem}.") from problem
    return FaultScript(script)


def field_names(kind: type[Fault]) -> list[str]:
    """Names a kind's own fields as the script spells them."""
    return [_name(f) for f in fields(kind)]


def _read_entry(entry: object, apps: Sequence[App]) -> ScriptedFault:
    _demand(isinstance(entry, dict), "it is not an object")
    rest = dict(entry)  # type: ignore[call-overload]
    kind = KINDS.get(kind_name) if isinstance(kind_name := rest.pop("kind", None), str) else None
    if kind is None:
        raise FaultError(f"kind is one of {', '.join(KINDS)}")
    app_id = _read_app(rest, apps)
    usage_date = _read_date(rest.pop("usage_date", None))
    times = rest.pop("times", None)
    _demand(times is None or (_is_int(times) and times >= 0), "times is a whole number, zero or above")
    per = rest.pop("per", "script")
    _demand(per in ("script", "app_day"), 'per is "script" or "app_day"')
    return ScriptedFault(_read_fault(kind, rest), app_id, usage_date, times, per)


def _read_fault(kind: type[Fault], given: dict[str, Any]) -> Fault:
    known = {_name(f): f for f in fields(kind)}
    for name in given:
        _demand(name in known, f"{kind.kind} knows no {name!r}")
    for name, f in known.items():
        required = f.default is MISSING and f.default_factory is MISSING
        _demand(name in given or not required, f"{kind.kind} needs {name!r}")
    return kind(**{known[name].name: value for name, value in given.items()})


def _read_app(rest: dict[str, Any], apps: Sequence[App]) -> str | None:
    _demand(not ("app" in rest and "app_id" in rest), "either app or app_id is given, not both")
    app_id: str | None = rest.pop("app_id", None)
    index = rest.pop("app", None)
    if index is not None:
        _demand(_is_int(index) and 0 <= index < len(apps), f"app is an index below {len(apps)}")
        return str(apps[index].app_id)
    if app_id is None or any(app.app_id == app_id for app in apps):
        return app_id
    raise FaultError(f"no app has the App ID {app_id!r}")


def _read_date(text: object) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError) as problem:
        raise FaultError(f"usage_date is a date such as 2026-11-01, not {text!r}") from problem


def _name(f: Field[Any]) -> str:
    return str(f.metadata.get("name", f.name))


def _in_unit(value: Value, unit: str) -> Value:
    if unit == "kbps":
        return value
    if unit == "bps":
        return {slot: kbps * 1000 for slot, kbps in value.items()}
    return {slot: kbps / KBPS_PER_UNIT[unit] for slot, kbps in value.items()}


def _is_int(thing: object) -> bool:
    return isinstance(thing, int) and not isinstance(thing, bool)


def _is_number(thing: object) -> bool:
    return isinstance(thing, int | float) and not isinstance(thing, bool) and math.isfinite(thing)


def _demand(holds: bool, sentence: str) -> None:
    if not holds:
        raise FaultError(sentence)


def _demand_headers(headers: object) -> None:
    # A line break in a header would begin another one.
    _demand(
        isinstance(headers, dict)
        and all(isinstance(part, str) and part.isprintable() for pair in headers.items() for part in pair),
        "headers is an object of printable texts",
    )
