"""The registry of fault kinds, and the kinds that apply to every call."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from sandbox.account_faults import ForeignFault, WindowFault
from sandbox.answers import Answer, Failure, error
from sandbox.fault import Fault, FaultError, Stage, demand, demand_headers, is_int, is_number
from sandbox.points_faults import RestateFault, SameAsFault, ScaleUnitFault, WithholdFault, ZerosFault

_MOST_CLOCK_SECONDS = 100 * 366 * 86_400


@dataclass(frozen=True)
class StatusFault(Fault):
    """Returns a status with a body. The default body is the API's normal error body."""

    kind: ClassVar[str] = "status"
    status: int
    body: str | dict[str, Any] | None = None
    retry_after: int | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand(is_int(self.status) and 200 <= self.status <= 599, "status must be an integer from 200 to 599")
        demand(self.body is None or isinstance(self.body, str | dict), "body must be a string or an object")
        demand(
            self.retry_after is None or isinstance(self.retry_after, str) or is_int(self.retry_after),
            "retry_after must be an integer number of seconds or an HTTP date",
        )
        demand_headers(self.headers)

    def instead(self, failure: Failure = error) -> Answer:
        """Return the scripted status."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.body is None:
            return failure(self.status, f"A scripted fault returned HTTP {self.status}.", headers)
        body = self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)
        return Answer(self.status, body, headers)


@dataclass(frozen=True)
class BodyFault(Fault):
    """Returns 200 with a literal body, given as a string or as Base64."""

    kind: ClassVar[str] = "body"
    body: str | None = None
    body_base64: str | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand(
            (self.body is None) != (self.body_base64 is None),
            "exactly one of body and body_base64 is required",
        )
        demand(isinstance(self.body or "", str), "body must be a string")
        demand(isinstance(self.body_base64 or "", str), "body_base64 must be a string")
        demand(isinstance(self.content_type, str), "content_type must be a string")
        demand_headers(self.headers)
        self._bytes()

    def instead(self, failure: Failure = error) -> Answer:
        """Return the literal body."""
        return Answer(200, self._bytes(), dict(self.headers), self.content_type)

    def _bytes(self) -> bytes:
        if self.body is not None:
            return self.body.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(self.body_base64 or "", validate=True)
        except (binascii.Error, ValueError) as problem:
            raise FaultError("body_base64 must be Base64") from problem


@dataclass(frozen=True)
class RedirectFault(Fault):
    """Returns a 302 redirect to another URL."""

    kind: ClassVar[str] = "redirect"
    location: str

    def __post_init__(self) -> None:
        demand(isinstance(self.location, str) and self.location != "", "location must be a URL")
        demand_headers({"Location": self.location})

    def instead(self, failure: Failure = error) -> Answer:
        """Return the redirect."""
        return failure(302, "A scripted fault redirects this call.", {"Location": self.location})


@dataclass(frozen=True)
class DelayFault(Fault):
    """Delays the response."""

    kind: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        demand(
            is_number(self.seconds) and 0 <= self.seconds <= 3600, "seconds must be a number from 0 to 3600"
        )


@dataclass(frozen=True)
class TruncateFault(Fault):
    """Announces the full Content-Length, sends only this many bytes and closes the connection."""

    kind: ClassVar[str] = "truncate"
    bytes: int

    def __post_init__(self) -> None:
        demand(is_int(self.bytes) and self.bytes >= 0, "bytes must be an integer, zero or above")


@dataclass(frozen=True)
class DisconnectFault(Fault):
    """Closes the connection without a response."""

    kind: ClassVar[str] = "disconnect"


@dataclass(frozen=True)
class ClockFault(Fault):
    """Sets the response's Date header this many seconds ahead of real time.

    A negative number sets it behind; null removes the header. Applies to every response of the selected
    calls, including 401, 404 and 429.
    """

    kind: ClassVar[str] = "clock"
    stage: ClassVar[Stage] = Stage.RESPONSE
    seconds: float | None

    def __post_init__(self) -> None:
        demand(
            self.seconds is None or (is_number(self.seconds) and abs(self.seconds) <= _MOST_CLOCK_SECONDS),
            f"seconds must be null or a number from -{_MOST_CLOCK_SECONDS} to {_MOST_CLOCK_SECONDS}",
        )


KINDS: dict[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        StatusFault,
        BodyFault,
        RedirectFault,
        WithholdFault,
        RestateFault,
        ScaleUnitFault,
        ZerosFault,
        SameAsFault,
        WindowFault,
        ForeignFault,
        ClockFault,
        DelayFault,
        TruncateFault,
        DisconnectFault,
    )
}
