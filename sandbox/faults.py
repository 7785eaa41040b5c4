"""The script of faults: which calls each of them meets, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Any, Literal

from sandbox.answers import Answer, Value, render
from sandbox.catalogue import App
from sandbox.fault_kinds import (
    KINDS,
    DelayFault,
    DisconnectFault,
    Fault,
    FaultError,
    TruncateFault,
    demand,
    in_unit,
    is_int,
    name_of,
)


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
        return render(usage_date, in_unit(value, unit), unit)


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


def _read_entry(entry: object, apps: Sequence[App]) -> ScriptedFault:
    demand(isinstance(entry, dict), "it is not an object")
    rest = dict(entry)  # type: ignore[call-overload]
    kind = KINDS.get(kind_name) if isinstance(kind_name := rest.pop("kind", None), str) else None
    if kind is None:
        raise FaultError(f"kind is one of {', '.join(KINDS)}")
    app_id = _read_app(rest, apps)
    usage_date = _read_date(rest.pop("usage_date", None))
    times = rest.pop("times", None)
    demand(times is None or (is_int(times) and times >= 0), "times is a whole number, zero or above")
    per = rest.pop("per", "script")
    demand(per in ("script", "app_day"), 'per is "script" or "app_day"')
    return ScriptedFault(_read_fault(kind, rest), app_id, usage_date, times, per)


def _read_fault(kind: type[Fault], given: dict[str, Any]) -> Fault:
    known = {name_of(f): f for f in fields(kind)}
    for name in given:
        demand(name in known, f"{kind.kind} knows no {name!r}")
    for name, f in known.items():
        required = f.default is MISSING and f.default_factory is MISSING
        demand(name in given or not required, f"{kind.kind} needs {name!r}")
    return kind(**{known[name].name: value for name, value in given.items()})


def _read_app(rest: dict[str, Any], apps: Sequence[App]) -> str | None:
    demand(not ("app" in rest and "app_id" in rest), "either app or app_id is given, not both")
    app_id: str | None = rest.pop("app_id", None)
    index = rest.pop("app", None)
    if index is not None:
        demand(is_int(index) and 0 <= index < len(apps), f"app is an index below {len(apps)}")
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
