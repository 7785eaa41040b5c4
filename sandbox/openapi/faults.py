"""The schema for one entry in a fault script: the selection fields, the kinds, and examples."""

from __future__ import annotations

from typing import Any

from sandbox.faults.base import Endpoint, description, field_names
from sandbox.faults.examples import EXAMPLES
from sandbox.faults.kinds import KINDS
from sandbox.faults.script import METHODS

# Null selects the default, like an absent field.
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_INTEGER: dict[str, Any] = {"type": ["integer", "null"]}
_COUNT = _INTEGER | {"minimum": 0}

SELECTION: dict[str, dict[str, Any]] = {
    "call": {"enum": list(Endpoint), "description": "The vendor's endpoint. Default: bandwidth."},
    "method": {"enum": [*METHODS, None], "description": "The HTTP method. Default: every method."},
    "app": _COUNT | {"description": "The app's index. Default: every app."},
    "app_id": _TEXT | {"description": "The App ID, instead of app. Default: every app."},
    "usage_date": _TEXT
    | {"format": "date", "description": "The usage date (bandwidth only). Default: every date."},
    "rate": {
        "type": ["number", "null"],
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "The share of the selected requests that get the fault, chosen at random. Default: 1.",
    },
    "seed": _INTEGER
    | {
        "description": "The seed for the random sample. Equal seeds give equal samples. "
        "Default: derived from the sandbox's seed and the entry's position.",
    },
    "times": _COUNT | {"description": "The number of requests that get the fault. Default: no limit."},
    "per": {
        "enum": ["script", "app_day"],
        "description": "Whether times counts all requests or the requests per app-day. Default: script.",
    },
}


def schema() -> dict[str, Any]:
    """Return the schema for one entry."""
    kinds = [
        f"{name} ({', '.join(field_names(kind)) or 'no fields'}): {description(kind)}"
        for name, kind in KINDS.items()
    ]
    return {
        "type": "object",
        "required": ["kind"],
        "description": "Kinds and their fields. " + " ".join(kinds),
        "properties": {"kind": {"enum": list(KINDS)}, **SELECTION},
        "examples": list(EXAMPLES.values()),
    }
