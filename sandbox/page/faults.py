"""The section of the page that describes scripted faults."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from sandbox.call import Call
from sandbox.fault import Fault, description, field_names
from sandbox.fault_examples import EXAMPLES
from sandbox.fault_kinds import KINDS
from sandbox.openapi.faults import SELECTION
from sandbox.page.table import table

_INTRODUCTION = (
    "Write the faults as a JSON list. Pass the list in a file (--faults) or with a PUT to /_sandbox/faults. "
    "Each entry has a kind, that kind's fields, and any of the fields that select calls."
)
_ORDER = (
    "A fault applies after the checks of credentials, rate limit, Channel Key and form. There are two "
    "exceptions: foreign applies before the App ID is looked up, and clock applies to every response. "
    "status, body, redirect and foreign replace the response, and the call has no effect. delay, truncate "
    "and disconnect only change how the response is sent, so the call still takes effect. Faults that change "
    "points combine in the script's order."
)


def faults() -> str:
    """Render the section."""
    return (
        f'<h2 id="faults">Scripted faults</h2><p class="soft">{_INTRODUCTION}</p>'
        f'<p class="soft">{_ORDER}</p>'
        f'<div class="card">{table(["Kind", "Fields", "Effect", "Calls"], _kinds())}</div>'
        f'<div class="card">{table(["Field", "Selects"], _selection())}</div>'
        f'<div class="card">{table(["Example", "Entry"], _examples())}</div>'
    )


def _kinds() -> list[list[str]]:
    return [
        [
            _code(name),
            ", ".join(map(_code, field_names(kind))),
            escape(description(kind)),
            _calls(kind),
        ]
        for name, kind in KINDS.items()
    ]


def _calls(kind: type[Fault]) -> str:
    return "all" if set(kind.calls) == set(Call) else ", ".join(kind.calls)


def _selection() -> list[list[str]]:
    return [[_code(name), escape(schema["description"])] for name, schema in SELECTION.items()]


def _examples() -> list[list[str]]:
    return [[escape(purpose), _code(_json(entry))] for purpose, entry in EXAMPLES.items()]


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
