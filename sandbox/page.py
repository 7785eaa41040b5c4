"""The description as a page for people: one HTML text that loads nothing and needs no script."""

from __future__ import annotations

import json
from datetime import timedelta
from html import escape
from typing import Any

import numpy as np

from sandbox.account import Account
from sandbox.catalogue import App
from sandbox.fault_kinds import KINDS, field_names

_MOST_APPS_SHOWN = 40
_SPARK_WIDTH, _SPARK_HEIGHT = 288, 36

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #f6f7f9; --card: #ffffff;
  --line: #dfe3e9; --accent: #0b62c4; --warn: #7a4b00; --warn-paper: #fff3d9; --fill: #0b62c422; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b6; --paper: #12161c;
  --card: #1a2029; --line: #2d3643; --accent: #6fb1ff; --warn: #ffd58a;
  --warn-paper: #33270f; --fill: #6fb1ff26; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: 1rem; margin: 0; font-weight: 600; }
p { margin: .4rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.notice { background: var(--warn-paper); color: var(--warn); border-radius: .5rem; padding: .7rem 1rem;
  margin: 1.25rem 0; max-width: none; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.15rem;
  margin: .8rem 0; }
dl.facts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .75rem 1.5rem;
  margin: 0; }
@media (max-width: 40rem) { dl.facts { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
dl.facts dt { color: var(--soft); font-size: .82rem; } dl.facts dd { margin: 0; font-weight: 600; }
.call { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .7rem; }
.call code { font-size: .95rem; overflow-wrap: anywhere; }
.method { font: 700 .72rem/1 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: .04em;
  color: var(--accent); border: 1px solid currentColor; border-radius: .3rem; padding: .25rem .4rem; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem;
  overflow-x: auto; font-size: .85rem; margin: .6rem 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: .7rem; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: .82rem; }
th, td { padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child th { border-top: 0; } td.number { text-align: right; white-space: nowrap; }
th.number { text-align: right; white-space: nowrap; }
a { color: var(--accent); } td code { font-size: .85rem; }
#apps td { vertical-align: middle; } #apps .mono { font-size: .8rem; }
svg { display: block; width: 11rem; height: 2.25rem; }
svg path { fill: var(--fill); stroke: var(--accent); stroke-width: 1; vector-effect: non-scaling-stroke; }
"""


def render_page(description: dict[str, Any], account: Account) -> str:
    """Renders the page.

    Args:
        description: The OpenAPI document.
        account: Whose settings and apps are shown.
    """
    info = description["info"]
    sections = [_section(tag, description["paths"]) for tag in description["tags"]]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(info['title'])}</h1>"
        f'<p class="notice"><strong>{escape(info["summary"])}</strong> {escape(info["description"])}</p>'
        f"{_facts(account)}{sections[0]}{_faults()}{''.join(sections[1:])}{_apps(account)}"
        '<p class="soft">The same description for programs: <a href="/openapi.json">openapi.json</a></p>'
        "</main></body></html>"
    )


def _facts(account: Account) -> str:
    now = account.clock.now()
    limit = account.rate_limit.per_second
    facts = {
        "Clock": f"{now:%Y-%m-%d %H:%M} {account.config.timezone}",
        "Window": str(account.window),
        "Oldest usage date": account.window.oldest_usage_date(now.date()).isoformat(),
        "Rate limit": f"{limit:g} calls a second" if limit else "none",
        "Apps": f"{len(account.apps):,}",
        "Faults in force": str(len(account.faults)),
    }
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items()
    )
    return f'<dl class="facts card">{items}</dl>'


def _section(tag: dict[str, str], paths: dict[str, Any]) -> str:
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
    return _table(["Parameter", "In", "Meaning", "Example"], rows) if rows else ""


def _responses(responses: dict[str, Any]) -> str:
    rows = []
    for status, response in responses.items():
        example = next(iter(response["content"].values())).get("example")
        shown = f"<code>{escape(json.dumps(example, ensure_ascii=False))}</code>" if example else ""
        rows.append([f"<strong>{escape(status)}</strong>", escape(response["description"]), shown])
    return _table(["Status", "Meaning", "Example of a body"], rows)


def _request_body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    example = operation["requestBody"]["content"]["application/json"]["example"]
    return f"<pre>{escape(json.dumps(example, ensure_ascii=False))}</pre>"


def _faults() -> str:
    rows = [
        [
            f"<code>{escape(name)}</code>",
            ", ".join(f"<code>{escape(part)}</code>" for part in field_names(kind)),
            escape((kind.__doc__ or "").strip()),
        ]
        for name, kind in KINDS.items()
    ]
    return (
        '<h2 id="faults">Scripted faults</h2><p class="soft">What a file given by --faults or a PUT to '
        "/_sandbox/faults may hold. Each entry also says which calls it meets: app_id or app, usage_date, "
        "times, and per (script or app_day).</p>"
        f'<div class="card">{_table(["Kind", "Fields", "What happens"], rows)}</div>'
    )


def _apps(account: Account) -> str:
    shown = account.apps[:_MOST_APPS_SHOWN]
    rest = len(account.apps) - len(shown)
    rows = [_app_row(app, account) for app in shown]
    more = f'<p class="soft">and {rest:,} more in /_sandbox/apps.</p>' if rest else ""
    heads = ["Name", "App ID", "Profile", "Yesterday", "#Peak, kbps"]
    return f'<h2>Apps</h2><div class="card" id="apps">{_table(heads, rows)}{more}</div>'


def _app_row(app: App, account: Account) -> list[str]:
    kbps = np.nan_to_num(app.points(account.clock.now().date() - timedelta(days=1)).astype(np.float64))
    kind = app.profile if app.habit in ("steady", "recorded") else f"{app.profile}; {app.habit}"
    return [
        escape(app.name),
        f'<span class="mono">{escape(app.app_id)}</span>',
        escape(kind),
        _spark(kbps, app.name),
        f"#{kbps.max():,.0f}",
    ]


def _spark(kbps: np.ndarray, name: str) -> str:
    top = max(float(kbps.max()), 1.0)
    heights = _SPARK_HEIGHT - 1 - kbps / top * (_SPARK_HEIGHT - 3)
    line = "L".join(f"{x} {y:.1f}" for x, y in enumerate(heights.tolist()))
    return (
        f'<svg viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Yesterday\'s bandwidth of {escape(name)}">'
        f'<path d="M0 {_SPARK_HEIGHT}L{line}L{_SPARK_WIDTH - 1} {_SPARK_HEIGHT}Z"/></svg>'
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """Builds a table; a cell that begins with # is a number."""
    head = "".join(_cell("th", text) for text in heads)
    body = "".join(f"<tr>{''.join(_cell('td', text) for text in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(tag: str, text: str) -> str:
    return f'<{tag} class="number">{text[1:]}</{tag}>' if text.startswith("#") else f"<{tag}>{text}</{tag}>"
