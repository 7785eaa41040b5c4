"""The registry of all fault kinds, and the kinds that do not change points."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from sandbox.faults.base import (
    Endpoint,
    Fault,
    FaultError,
    Stage,
    is_int,
    is_number,
    require,
    require_headers,
)
from sandbox.faults.points import RestateFault, SameAsFault, ScaleUnitFault, WithholdFault, ZerosFault
from sandbox.http.responses import BASIC_CHALLENGE, ApiResponse, RenderError, dashboard_error
from sandbox.window import Window

_MOST_CLOCK_SECONDS = 100 * 366 * 86_400
_FOREIGN_STATUSES = (401, 403)


@dataclass(frozen=True)
class StatusFault(Fault):
    """Returns the given status. The default body is the API's normal error body."""

    kind: ClassVar[str] = "status"
    summary: ClassVar[str] = "Returns HTTP {status}."
    status: int
    body: str | dict[str, Any] | None = None
    retry_after: int | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(
            is_int(self.status) and 200 <= self.status <= 599, "status must be an integer from 200 to 599"
        )
        require(self.body is None or isinstance(self.body, str | dict), "body must be a string or an object")
        require(
            self.retry_after is None or isinstance(self.retry_after, str) or is_int(self.retry_after),
            "retry_after must be an integer number of seconds or an HTTP date",
        )
        require_headers(self.headers)

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse:
        """Return the scripted status."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.body is None:
            return render_error(self.status, f"A scripted fault returned HTTP {self.status}.", headers)
        body = self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)
        return ApiResponse(self.status, body, headers)


@dataclass(frozen=True)
class BodyFault(Fault):
    """Returns 200 with a literal body, given as a string or as Base64."""

    kind: ClassVar[str] = "body"
    summary: ClassVar[str] = "Returns HTTP 200 with a literal body."
    body: str | None = None
    body_base64: str | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(
            (self.body is None) != (self.body_base64 is None),
            "exactly one of body and body_base64 is required",
        )
        require(isinstance(self.body or "", str), "body must be a string")
        require(isinstance(self.body_base64 or "", str), "body_base64 must be a string")
        require(isinstance(self.content_type, str), "content_type must be a string")
        require_headers(self.headers)
        self._bytes()

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse:
        """Return the literal body."""
        return ApiResponse(200, self._bytes(), dict(self.headers), self.content_type)

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
    summary: ClassVar[str] = "Redirects to {location}."
    location: str

    def __post_init__(self) -> None:
        require(isinstance(self.location, str) and self.location != "", "location must be a URL")
        require_headers({"Location": self.location})

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse:
        """Return the redirect."""
        return render_error(302, "A scripted fault redirects this request.", {"Location": self.location})


@dataclass(frozen=True)
class DelayFault(Fault):
    """Delays the response."""

    kind: ClassVar[str] = "delay"
    summary: ClassVar[str] = "Delays the response by {seconds:g} s."
    seconds: float

    def __post_init__(self) -> None:
        require(
            is_number(self.seconds) and 0 <= self.seconds <= 3600, "seconds must be a number from 0 to 3600"
        )


@dataclass(frozen=True)
class TruncateFault(Fault):
    """Announces the full Content-Length, sends only the given number of bytes and closes the connection."""

    kind: ClassVar[str] = "truncate"
    summary: ClassVar[str] = "Sends {bytes} bytes of the body, then closes the connection."
    bytes: int

    def __post_init__(self) -> None:
        require(is_int(self.bytes) and self.bytes >= 0, "bytes must be an integer, zero or above")


@dataclass(frozen=True)
class DisconnectFault(Fault):
    """Closes the connection without a response."""

    kind: ClassVar[str] = "disconnect"


@dataclass(frozen=True)
class ClockFault(Fault):
    """Sets the response's Date header the given number of seconds ahead of real time.

    A negative number sets the header behind real time. Null removes the header. The fault applies to every
    response to the selected requests, including 401, 404 and 429.
    """

    kind: ClassVar[str] = "clock"
    stage: ClassVar[Stage] = Stage.RESPONSE
    seconds: float | None

    def __post_init__(self) -> None:
        require(
            self.seconds is None or (is_number(self.seconds) and abs(self.seconds) <= _MOST_CLOCK_SECONDS),
            f"seconds must be null or a number from -{_MOST_CLOCK_SECONDS} to {_MOST_CLOCK_SECONDS}",
        )

    def effect(self) -> str:
        """Return a description of the clock error."""
        if self.seconds is None:
            return "Removes the Date header."
        side = "behind" if self.seconds < 0 else "ahead of"
        return f"Sets the Date header {abs(self.seconds):g} s {side} real time."


@dataclass(frozen=True)
class WindowFault(Fault):
    """Replaces the vendor window with a shorter or longer one. Days before the window get 400."""

    kind: ClassVar[str] = "window"
    summary: ClassVar[str] = "Replaces the vendor window with {window}."
    endpoints: ClassVar[tuple[Endpoint, ...]] = (Endpoint.BANDWIDTH,)
    window: str

    def __post_init__(self) -> None:
        require(isinstance(self.window, str), 'window must be a string: "N days" or "1 month"')
        try:
            Window.parse(self.window)
        except ValueError as problem:
            raise FaultError(f'window must be "N days" or "1 month", not {self.window!r}') from problem


@dataclass(frozen=True)
class ForeignFault(Fault):
    """Returns 401 (default) or 403, as if the App ID belonged to another account.

    Requires app or app_id. The app_id may be unknown to this account. Without this fault, an unknown App ID
    gets 404.
    """

    kind: ClassVar[str] = "foreign"
    summary: ClassVar[str] = "Returns HTTP {status}, as if the App ID belonged to another account."
    endpoints: ClassVar[tuple[Endpoint, ...]] = (Endpoint.BANDWIDTH, Endpoint.OPEN_STATE)
    stage: ClassVar[Stage] = Stage.APP_ID
    status: int = 401

    def __post_init__(self) -> None:
        require(self.status in _FOREIGN_STATUSES, "status must be 401 or 403")

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse:
        """Return the error with the meaning that the vendor documents for 401."""
        headers = BASIC_CHALLENGE if self.status == 401 else {}
        message = "The App ID and the Customer Certificate do not match."
        return render_error(self.status, message, dict(headers))


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
