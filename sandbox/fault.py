"""The base class of all faults, and checks for their fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from enum import Enum, auto
from typing import Any, ClassVar

from sandbox.answers import Answer, Failure, error
from sandbox.call import Call
from sandbox.catalogue import App


class FaultError(ValueError):
    """A fault is malformed; the sentence names the field and the rule."""


class Stage(Enum):
    """The point of a call's handling at which a fault takes effect."""

    APP_ID = auto()  # before the App ID is looked up in the account
    CALL = auto()  # after all checks of the call's form, before the window
    RESPONSE = auto()  # while the headers of any response are sent, errors included


@dataclass(frozen=True)
class Fault:
    """A fault without an effect; each kind overrides the effects that it has.

    Attributes:
        kind: The name in a script.
        calls: The vendor's calls that the kind applies to.
        stage: When the fault takes effect.
    """

    kind: ClassVar[str]
    calls: ClassVar[tuple[Call, ...]] = tuple(Call)
    stage: ClassVar[Stage] = Stage.CALL

    def instead(self, failure: Failure = error) -> Answer | None:
        """Return the response that replaces the true one, or None.

        Args:
            failure: Renders an error in the format of the called API.
        """
        return None

    def bound_to(self, apps: Sequence[App]) -> Fault:
        """Return the fault with its references to other apps resolved.

        Raises:
            FaultError: A referenced app does not exist.
        """
        return self


def description(kind: type[Fault]) -> str:
    """Return a kind's docstring as one paragraph, for the OpenAPI document and the page."""
    return " ".join((kind.__doc__ or "").split())


def field_names(kind: type[Fault]) -> list[str]:
    """Return the names of a kind's own fields, as a script spells them."""
    return [name_of(f) for f in fields(kind)]


def name_of(f: Field[Any]) -> str:
    """Return a field's name, as a script spells it."""
    return str(f.metadata.get("name", f.name))


def is_int(thing: object) -> bool:
    """Return whether a value is an integer and not a boolean."""
    return isinstance(thing, int) and not isinstance(thing, bool)


def is_number(thing: object) -> bool:
    """Return whether a value is a finite number and not a boolean."""
    return isinstance(thing, int | float) and not isinstance(thing, bool) and math.isfinite(thing)


def demand(holds: bool, sentence: str) -> None:
    """Raise an error unless a condition holds.

    Raises:
        FaultError: The condition does not hold.
    """
    if not holds:
        raise FaultError(sentence)


def demand_headers(headers: object) -> None:
    """Raise an error unless a value is an object of printable header names and values.

    Raises:
        FaultError: The value is something else.
    """
    # A line break inside a value would start another header.
    demand(
        isinstance(headers, dict)
        and all(isinstance(part, str) and part.isprintable() for pair in headers.items() for part in pair),
        "headers must be an object of printable strings",
    )
