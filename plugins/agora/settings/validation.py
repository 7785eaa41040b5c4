"""Base model and helpers for all settings: character checks, and error messages without the input."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

# Characters that no setting may contain, keyed by their description in messages. Joiners, variation
# selectors and the left-to-right and right-to-left marks are allowed, because emoji and several scripts need
# them.
REFUSED_CHARACTERS = {
    "a control character": "\x00-\x1f\x7f-\x9f",
    "half of a surrogate pair": "\ud800-\udfff",
    "a line or paragraph separator": "\u2028\u2029",
    "an override of the text direction": "\u202a-\u202e\u2066-\u206f",
}


class Settings(BaseModel):
    """Immutable base model for all settings, which rejects forbidden characters in every string."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # This validator runs first, because other validators' messages contain the text.
    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str | Path):
            require_readable(str(text))
        return value


def require_readable(text: str) -> None:
    """Reject characters that break lines, logs or PostgreSQL, or that disguise the text."""
    for called, characters in REFUSED_CHARACTERS.items():
        if found := re.search(f"[{characters}]", text):
            raise PydanticCustomError(
                "unreadable",
                "the text contains {called}: remove U+{code} at position {position}",
                {"called": called, "code": f"{ord(found.group()):04X}", "position": found.start() + 1},
            )


def escaped(text: str) -> str:
    """Return text for a message, with forbidden characters escaped."""
    refused = "".join(REFUSED_CHARACTERS.values())
    return re.sub(f"[{refused}]", lambda found: f"\\u{ord(found.group()):04x}", text)


def plain(error: Exception, subject: Callable[[tuple[int | str, ...]], str] = lambda place: "") -> str:
    """Describe each invalid field and its fault, without the input, which may be a secret.

    Args:
        error: Error from pydantic or from the JSON parser.
        subject: Function that takes a field's location and returns the name of the item with this field.
            Default: no name.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{_field(item['loc'], subject)}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )


def _field(place: tuple[int | str, ...], subject: Callable[[tuple[int | str, ...]], str]) -> str:
    name = escaped(".".join(map(str, place))) or "value"
    return f"{name} ({of})" if (of := subject(place)) else name
