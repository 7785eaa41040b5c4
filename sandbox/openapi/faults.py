"""The schema of a scripted fault: the fields that select calls, the kinds, and examples."""

from __future__ import annotations

from typing import Any

from sandbox.call import Call
from sandbox.fault import description, field_names
from sandbox.fault_examples import EXAMPLES
from sandbox.fault_kinds import KINDS
from sandbox.fault_script import METHODS
from sandbox.openapi.parts import COUNT

SELECTION: dict[str, dict[str, Any]] = {
    "call": {"enum": list(Call), "description": "The vendor's call. Default: bandwidth."},
    "method": {"enum": list(METHODS), "description": "The HTTP method. Default: every method."},
    "app": COUNT | {"description": "The app's index. Default: every app."},
    "app_id": {"type": "string", "description": "The App ID, instead of app. Default: every app."},
    "usage_date": {
        "type": "string",
        "format": "date",
        "description": "The usage date (bandwidth only). Default: every date.",
    },
    "rate": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "The share of the selected calls that the fault meets, at random. Default: 1.",
    },
    "seed": {
        "type": "integer",
        "description": "Selects the random sample of rate; the same seed gives the same sample. "
        "Default: derived from the sandbox's seed and the entry's position.",
    },
    "times": COUNT | {"description": "The number of calls that the fault meets. Default: no limit."},
    "per": {
        "enum": ["script", "app_day"],
        "description": "What times counts: all calls, or the calls of each app-day. Default: script.",
    },
}


def schema() -> dict[str, Any]:
    """Describe one entry of the fault script."""
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
