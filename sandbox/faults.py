"""The faults in force: which calls each of them meets, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

from sandbox.answers import Answer, Failure, Value, error, render
from sandbox.fault import Fault
from sandbox.fault_kinds import DelayFault, DisconnectFault, TruncateFault
from sandbox.points_faults import PointsFault, in_unit


class Call(StrEnum):
    """The vendor's calls, as a script names them."""

    BANDWIDTH = "bandwidth"
    OPEN_STATE = "open_state"
    CHANNEL = "channel"


@dataclass
class ScriptedFault:
    """One entry of the script: a fault, the calls it meets, and how often it still does.

    Attributes:
        fault: What happens.
        call: Which of the vendor's calls it is for.
        method: The HTTP method it is for; None means every one.
        app_id: The app it is for; None means every app.
        usage_date: The day it is for; None means every day, and calls that are about no day.
        times: How many calls it meets; None means for ever.
        per: Whether `times` counts all calls, or those of each app-day apart.
    """

    fault: Fault
    call: Call = Call.BANDWIDTH
    method: str | None = None
    app_id: str | None = None
    usage_date: date | None = None
    times: int | None = None
    per: Literal["script", "app_day"] = "script"
    met: Counter[tuple[str, date | None] | None] = field(default_factory=Counter)

    def meets(self, call: Call, method: str, app_id: str, usage_date: date | None) -> bool:
        """Decides on one call, and counts it where it is met."""
        if self.call is not call or self.method not in (None, method) or self.app_id not in (None, app_id):
            return False
        if self.usage_date not in (None, usage_date):
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

    def instead(self, failure: Failure = error) -> Answer | None:
        """Gives the first answer that takes the place of the call, which then has no effect.

        Args:
            failure: Spells a sentence as the API does that was called.
        """
        answers = (fault.instead(failure) for fault in self.faults)
        return next((answer for answer in answers if answer is not None), None)

    def body(self, usage_date: date, value: Value) -> bytes:
        """Renders a day with the faults' changes."""
        points_faults = [fault for fault in self.faults if isinstance(fault, PointsFault)]
        for fault in points_faults:
            value = fault.changed(value)
        unit = next((unit for fault in points_faults if (unit := fault.unit()) is not None), "kbps")
        return render(usage_date, in_unit(value, unit), unit)


class FaultScript:
    """The list of faults in force."""

    def __init__(self, entries: Sequence[ScriptedFault] = ()) -> None:
        self._entries = list(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def met_by(
        self, call: Call, method: str, app_id: str, usage_date: date | None = None
    ) -> FaultyCall | None:
        """Collects the faults that one call meets, and counts it with each of them.

        Args:
            call: Which of the vendor's calls it is.
            method: Its HTTP method.
            app_id: The app that it is about.
            usage_date: The day that it is about, if it is about one.
        """
        if not self._entries:
            return None
        met = tuple(entry.fault for entry in self._entries if entry.meets(call, method, app_id, usage_date))
        return FaultyCall(met) if met else None
