"""What a fault is, and how its fields are checked."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, fields
from typing import Any, ClassVar

from sandbox.answers import Answer, Failure, error


class FaultError(ValueError):
    """A fault is not written as faults are; the sentence says where."""


@dataclass(frozen=True)
class Fault:
    """What a fault does to a call: nothing, except for what each kind overrides."""

    kind: ClassVar[str]

    def instead(self, failure: Failure = error) -> Answer | None:
        """Gives the answer that takes the place of the truthful one.

        Args:
            failure: Spells a sentence as the API does that was called.
        """
        return None


def field_names(kind: type[Fault]) -> list[str]:
    """Names a kind's own fields as the script spells them."""
    return [name_of(f) for f in fields(kind)]


def name_of(f: Field[Any]) -> str:
    """Return a field's name as the script spells it."""
    return str(f.metadata.get("name", f.name))


def is_int(thing: object) -> bool:
    """Tell whether it is a whole number, and no boolean."""
    return isinstance(thing, int) and not isinstance(thing, bool)


def is_number(thing: object) -> bool:
    """Tell whether it is a finite number, and no boolean."""
    return isinstance(thing, int | float) and not isinstance(thing, bool) and math.isfinite(thing)


def demand(holds: bool, sentence: str) -> None:
    """Refuse what does not hold.

    Raises:
        FaultError: With the sentence.
    """
    if not holds:
        raise FaultError(sentence)


def demand_headers(headers: object) -> None:
    """Refuse headers that are no object of printable texts."""
    # A line break in a header would begin another one.
    demand(
        isinstance(headers, dict)
        and all(isinstance(part, str) and part.isprintable() for pair in headers.items() for part in pair),
        "headers is an object of printable texts",
    )
