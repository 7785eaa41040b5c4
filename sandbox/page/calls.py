"""The section of the page that describes calls."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from sandbox.page.table import table


def section(tag: dict[str, str], paths: dict[str, Any]) -> str:
    """Describes the calls of one tag."""
    calls = "".join(
        _call(method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if tag["name"] in operation["tags"]
    )
    return f'<h2>{escape(tag["name"])}</h2><p class="soft">{escape(tag["description"])}</p>{calls}'


def _call(method: str, path: str, operation: dict[str, Any]) -> str:
    about = operation.get("description")
    return (
        f'<section class="card"><div class="call"><span class="method">{escape(method.upper())}</span>'
        f"<code>{escape(path)}</code><h3>{escape(operation['summary'])}</h3></div>"
        + (f"<p>{escape(about)}</p>" if about else "")
        + _parameters(operation.get("parameters", []))
        + _request_body(operation)
        + (_responses(operation["responses"]) if about else "")
        + "</section>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [
        [
            f"<code>{escape(p['name'])}</code>",
            escape(p["in"]),
            escape(p["description"]),
            f"<code>{escape(p['example'])}</code>",
        ]
        for p in parameters
    ]
    return table(["Parameter", "In", "Meaning", "Example"], rows) if rows else ""


def _responses(responses: dict[str, Any]) -> str:
    rows = []
    for status, response in responses.items():
        example = next(iter(response["content"].values())).get("example")
        shown = f"<code>{escape(json.dumps(example, ensure_ascii=False))}</code>" if example else ""
        rows.append([f"<strong>{escape(status)}</strong>", escape(response["description"]), shown])
    return table(["Status", "Meaning", "Example of a body"], rows)


def _request_body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    example = operation["requestBody"]["content"]["application/json"]["example"]
    return f"<pre>{escape(json.dumps(example, ensure_ascii=False))}</pre>"
