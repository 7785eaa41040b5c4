"""The active faults: the requests that each one applies to, and their combined effect on a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from sandbox.faults.base import Endpoint, Fault, ReceivedRequest, Stage
from sandbox.faults.kinds import ClockFault, DelayFault, DisconnectFault, TruncateFault, WindowFault
from sandbox.faults.points import PointsFault, in_unit
from sandbox.faults.sampling import Sample
from sandbox.http.responses import ApiResponse, Delivery, RenderError, dashboard_error
from sandbox.traffic.served_day import ServedDay, render_body
from sandbox.window import Window


@dataclass
class ScriptedFault:
    """One entry of a fault script: a fault, and the requests that it applies to.

    Attributes:
        fault: The fault.
        endpoint: The vendor's endpoint.
        method: The HTTP method. None selects every method.
        app_id: The App ID. None selects every app.
        usage_date: The usage date. None selects every date and also requests without a date.
        times: The number of requests that the fault applies to. None sets no limit.
        per: Whether `times` counts all requests, or the requests for each app-day separately.
        sample: The random sample of requests. None selects every request.
        applied: The number of requests that the fault has been applied to, per counter that `per` selects.
    """

    fault: Fault
    endpoint: Endpoint = Endpoint.BANDWIDTH
    method: str | None = None
    app_id: str | None = None
    usage_date: date | None = None
    times: int | None = None
    per: Literal["script", "app_day"] = "script"
    sample: Sample | None = None
    applied: Counter[tuple[str | None, date | None] | None] = field(default_factory=Counter)

    def apply(self, received: ReceivedRequest) -> bool:
        """Decide whether the fault applies to a request, and count the request if so."""
        if not self._selects(received):
            return False
        if self.sample is not None and not self.sample.includes(received):
            return False
        counted_by = (received.app_id, received.usage_date) if self.per == "app_day" else None
        if self.times is not None and self.applied[counted_by] >= self.times:
            return False
        self.applied[counted_by] += 1
        return True

    def _selects(self, received: ReceivedRequest) -> bool:
        return (
            self.endpoint is received.endpoint
            and self.method in (None, received.method)
            and self.app_id in (None, received.app_id)
            and self.usage_date in (None, received.usage_date)
        )

    def subject(self, app_names: Mapping[str, str]) -> str:
        """Return the app and the usage date, such as "classroom-02, 2026-11-01" or "Every app, every day".

        Args:
            app_names: The names of the account's apps, by App ID.
        """
        app = "Every app" if self.app_id is None else app_names.get(self.app_id, self.app_id)
        return app if self.endpoint is not Endpoint.BANDWIDTH else f"{app}, {self.usage_date or 'every day'}"

    def sentence(self) -> str:
        """Describe the fault, as in "For the first 2 bandwidth requests, the sandbox returns HTTP 503."."""
        request = f"{self.method or ''} {self.endpoint.replace('_', '-')} request".strip()
        first = "the first" if self.times == 1 else f"the first {self.times}"
        if self.sample is not None:
            share = f"a random {100 * self.sample.rate:g} % of {request}s"
            count = share if self.times is None else f"{first} of {share}"
        else:
            count = (
                f"every {request}" if self.times is None else f"{first} {request}{'s' * (self.times != 1)}"
            )
        per = " per app-day" if self.times is not None and self.per == "app_day" else ""
        effect = self.fault.effect()
        return f"For {count}{per}, the sandbox {effect[0].lower()}{effect[1:]}"


@dataclass(frozen=True)
class AppliedFaults:
    """The faults that apply to one request, in script order."""

    faults: tuple[Fault, ...]

    @property
    def delivery(self) -> Delivery:
        """How the response is sent."""
        return Delivery(
            delay_seconds=sum(fault.seconds for fault in self.faults if isinstance(fault, DelayFault)),
            bytes_sent=min((f.bytes for f in self.faults if isinstance(f, TruncateFault)), default=None),
            disconnects=any(isinstance(fault, DisconnectFault) for fault in self.faults),
        )

    @property
    def window(self) -> Window | None:
        """The first scripted window. None means that the account's window applies."""
        windows = (fault.window for fault in self.faults if isinstance(fault, WindowFault))
        return next((Window.parse(window) for window in windows), None)

    @property
    def clock(self) -> ClockFault | None:
        """The first scripted clock error. None means that the `Date` header stays unchanged."""
        return next((fault for fault in self.faults if isinstance(fault, ClockFault)), None)

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse | None:
        """Return the first scripted response, which replaces the normal one, or None.

        A request whose response is replaced has no effect.

        Args:
            render_error: A function that renders an error in the format of the requested API.
        """
        responses = (fault.replacement(render_error) for fault in self.faults)
        return next((response for response in responses if response is not None), None)

    def body(self, day: ServedDay) -> bytes:
        """Render the response body for a day, changed by the faults."""
        value = day.true_value(day.app_id)
        points_faults = [fault for fault in self.faults if isinstance(fault, PointsFault)]
        for fault in points_faults:
            value = fault.change(value, day)
        unit = next((unit for fault in points_faults if (unit := fault.unit()) is not None), "kbps")
        return render_body(day.usage_date, in_unit(value, unit), unit)


class ActiveFaults:
    """The active faults."""

    def __init__(self, entries: Sequence[ScriptedFault] = ()) -> None:
        self._entries = list(entries)
        self._by_stage = {
            stage: [entry for entry in self._entries if entry.fault.stage is stage] for stage in Stage
        }
        self._foreign_app_ids = {entry.app_id for entry in self._by_stage[Stage.APP_ID]}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[ScriptedFault]:
        return iter(self._entries)

    def is_foreign(self, app_id: str | None) -> bool:
        """Return whether the script declares that an App ID belongs to another account."""
        return app_id in self._foreign_app_ids

    def apply(self, received: ReceivedRequest, stage: Stage = Stage.REQUEST) -> AppliedFaults | None:
        """Return one stage's faults that apply to a request, or None. Count the request for each fault."""
        applied = tuple(entry.fault for entry in self._by_stage[stage] if entry.apply(received))
        return AppliedFaults(applied) if applied else None
