"""The whole page: where its parts come together."""

from __future__ import annotations

from html import escape
from typing import Any

from sandbox.account import Account
from sandbox.page.account import apps, channels, facts
from sandbox.page.calls import section
from sandbox.page.faults import faults
from sandbox.page.style import STYLE


def render_page(description: dict[str, Any], account: Account) -> str:
    """Renders the page.

    Args:
        description: The OpenAPI document.
        account: Whose settings, apps and channels are shown.
    """
    info = description["info"]
    sections = [section(tag, description["paths"]) for tag in description["tags"]]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(info['title'])}</h1>"
        f'<p class="notice"><strong>{escape(info["summary"])}</strong> {escape(info["description"])}</p>'
        f"{facts(account)}{channels(account)}{apps(account)}"
        f"{''.join(sections[:2])}{faults()}{''.join(sections[2:])}"
        '<p class="soft">The same description for programs: <a href="/openapi.json">openapi.json</a></p>'
        "</main></body></html>"
    )
