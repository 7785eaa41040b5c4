"""The kinds of fault that can be scripted, and those of them that any call can meet."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from sandbox.answers import Answer, Failure, error
from sandbox.fault import Fault, FaultError, demand, demand_headers, is_int, is_number
from sandbox.points_faults import RestateFault, ScaleUnitFault, WithholdFault


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

    def instead(self, failure: Failure = error) -> Answer:
        """Gives the scripted status."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.body is None:
            return failure(self.status, f"The sandbox was told to answer {self.status}.", headers)
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

    def instead(self, failure: Failure = error) -> Answer:
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

    def instead(self, failure: Failure = error) -> Answer:
        """Gives the redirect."""
        return failure(302, "Look elsewhere.", {"Location": self.location})


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
