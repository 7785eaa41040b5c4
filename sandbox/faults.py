"""The faults in force: the calls that each fault meets, and their combined effect on one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from sandbox.account_faults import WindowFault
from sandbox.answers import Answer, Failure, error, render
from sandbox.call import Call, ReceivedCall
from sandbox.fault import Fault, Stage
from sandbox.fault_kinds import ClockFault, DelayFault, DisconnectFault, TruncateFault
from sandbox.points_faults import PointsFault, in_unit
from sandbox.sampling import Sample
from sandbox.served_day import ServedDay
from sandbox.window import Window


@dataclass
class ScriptedFault:
    """One entry of the script: a fault, and the calls that it meets.

    Attributes:
        fault: The fault.
        call: The vendor's call.
        method: The HTTP method. None selects every method.
        app_id: The App ID. None selects every app.
        usage_date: The usage date. None selects every date, and calls without a date.
        times: The number of calls to meet. None sets no limit.
        per: Whether `times` counts all calls, or the calls of each app-day separately.
        sample: The random sample of calls. None selects every call.
        met: The number of calls met so far.
    """

    fault: Fault
    call: Call = Call.BANDWIDTH
    method: str | None = None
    app_id: str | None = None
    usage_date: date | None = None
    times: int | None = None
    per: Literal["script", "app_day"] = "script"
    sample: Sample | None = None
    met: Counter[tuple[str | None, date | None] | None] = field(default_factory=Counter)

    def meets(self, received: ReceivedCall) -> bool:
        """Decide whether the fault meets a call, and count the call if so."""
        if not self._selects(received):
            return False
        if self.sample is not None and not self.sample.includes(received):
            return False
        counted_by = (received.app_id, received.usage_date) if self.per == "app_day" else None
        if self.times is not None and self.met[counted_by] >= self.times:
            return False
        self.met[counted_by] += 1
        return True

    def _selects(self, received: ReceivedCall) -> bool:
        return (
            self.call is received.call
            and self.method in (None, received.method)
            and self.app_id in (None, received.app_id)
            and self.usage_date in (None, received.usage_date)
        )


@dataclass(frozen=True)
class FaultyCall:
    """The faults that meet one call, in the script's order."""

    faults: tuple[Fault, ...]

    @property
    def delay_seconds(self) -> float:
        """The delay of the response."""
        return sum(fault.seconds for fault in self.faults if isinstance(fault, DelayFault))

    @property
    def disconnects(self) -> bool:
        """Whether the connection is closed without a response."""
        return any(isinstance(fault, DisconnectFault) for fault in self.faults)

    @property
    def bytes_sent(self) -> int | None:
        """The number of bytes of the body that are sent. None sends the whole body."""
        return min((fault.bytes for fault in self.faults if isinstance(fault, TruncateFault)), default=None)

    @property
    def window(self) -> Window | None:
        """The first scripted window. None leaves the account's window in force."""
        windows = (fault.window for fault in self.faults if isinstance(fault, WindowFault))
        return next((Window.parse(window) for window in windows), None)

    @property
    def clock(self) -> ClockFault | None:
        """The first scripted clock error. None leaves the `Date` header unchanged."""
        return next((fault for fault in self.faults if isinstance(fault, ClockFault)), None)

    def instead(self, failure: Failure = error) -> Answer | None:
        """Return the first response that replaces the true one; the call then has no effect.

        Args:
            failure: Renders an error in the format of the called API.
        """
        answers = (fault.instead(failure) for fault in self.faults)
        return next((answer for answer in answers if answer is not None), None)

    def body(self, day: ServedDay) -> bytes:
        """Render a day with the faults' changes."""
        value = day.true_value(day.app_id)
        points_faults = [fault for fault in self.faults if isinstance(fault, PointsFault)]
        for fault in points_faults:
            value = fault.changed(value, day)
        unit = next((unit for fault in points_faults if (unit := fault.unit()) is not None), "kbps")
        return render(day.usage_date, in_unit(value, unit), unit)


class FaultScript:
    """The list of faults in force."""

    def __init__(self, entries: Sequence[ScriptedFault] = ()) -> None:
        self._entries = list(entries)
        self._by_stage = {
            stage: [entry for entry in self._entries if entry.fault.stage is stage] for stage in Stage
        }
        self._foreign_app_ids = {entry.app_id for entry in self._by_stage[Stage.APP_ID]}

    def __len__(self) -> int:
        return len(self._entries)

    def names_foreign(self, app_id: str | None) -> bool:
        """Return whether the script declares an App ID foreign."""
        return app_id in self._foreign_app_ids

    def met_by(self, received: ReceivedCall, stage: Stage = Stage.CALL) -> FaultyCall | None:
        """Return the faults of one stage that meet a call, and count the call for each of them."""
        met = tuple(entry.fault for entry in self._by_stage[stage] if entry.meets(received))
        return FaultyCall(met) if met else None
