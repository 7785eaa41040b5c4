"""The base class for all kinds of faults, the requests that faults apply to, and checks for fault fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from datetime import date
from enum import Enum, StrEnum, auto
from typing import Any, ClassVar

from sandbox.http.responses import ApiResponse, RenderError, dashboard_error
from sandbox.traffic.apps import App


class Endpoint(StrEnum):
    """The vendor's endpoints, as named in the `call` field of a fault script."""

    BANDWIDTH = "bandwidth"
    OPEN_STATE = "open_state"
    CHANNEL = "channel"


@dataclass(frozen=True)
class ReceivedRequest:
    """The parts of a request that the sandbox has read so far.

    Attributes:
        endpoint: The vendor's endpoint.
        method: The HTTP method.
        app_id: The App ID. None if the request was refused before its App ID was read.
        usage_date: The usage date. None if the request has no date or its date has not been read.
    """

    endpoint: Endpoint
    method: str
    app_id: str | None
    usage_date: date | None = None


class FaultError(ValueError):
    """A fault is malformed. The message names the field and the rule."""


class Stage(Enum):
    """The point in request handling at which a fault takes effect."""

    APP_ID = auto()  # before the App ID is looked up in the account
    REQUEST = auto()  # after all checks of the request's format, before the vendor window is checked
    RESPONSE = auto()  # when the headers of any response are sent, including error responses


@dataclass(frozen=True)
class Fault:
    """A fault without an effect. Each kind overrides the methods that implement its effects.

    Attributes:
        kind: The name in a fault script.
        summary: One sentence that describes the effect, with field names in braces. Default: the docstring.
        endpoints: The vendor's endpoints that the kind applies to.
        stage: When the fault takes effect.
    """

    kind: ClassVar[str]
    summary: ClassVar[str] = ""
    endpoints: ClassVar[tuple[Endpoint, ...]] = tuple(Endpoint)
    stage: ClassVar[Stage] = Stage.REQUEST

    def effect(self) -> str:
        """Return a description of the effect for the page."""
        return self.summary.format_map(vars(self)) or description(type(self))

    def replacement(self, render_error: RenderError = dashboard_error) -> ApiResponse | None:
        """Return the response that replaces the normal one, or None.

        Args:
            render_error: A function that renders an error in the format of the requested API.
        """
        return None

    def resolved(self, apps: Sequence[App]) -> Fault:
        """Return the fault with its references to other apps resolved.

        Raises:
            FaultError: A referenced app does not exist.
        """
        return self


def description(kind: type[Fault]) -> str:
    """Return a kind's docstring as one paragraph, for the OpenAPI document and the page."""
    return " ".join((kind.__doc__ or "").split())


def field_names(kind: type[Fault]) -> list[str]:
    """Return the names of a kind's own fields, as written in a fault script."""
    return [name_of(f) for f in fields(kind)]


def name_of(f: Field[Any]) -> str:
    """Return a field's name, as written in a fault script."""
    return str(f.metadata.get("name", f.name))


def is_int(value: object) -> bool:
    """Return whether a value is an integer and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a finite number and not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def require(condition: bool, message: str) -> None:
    """Raise an error unless a condition holds.

    Raises:
        FaultError: The condition does not hold.
    """
    if not condition:
        raise FaultError(message)


def require_headers(headers: object) -> None:
    """Raise an error unless a value is an object of printable header names and values.

    Raises:
        FaultError: The value is not such an object.
    """
    # A line break inside a value would start another header.
    require(
        isinstance(headers, dict)
        and all(isinstance(part, str) and part.isprintable() for pair in headers.items() for part in pair),
        "headers must be an object of printable strings",
    )
