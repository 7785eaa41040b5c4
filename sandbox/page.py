"""The page at `/` and the OpenAPI document at `/openapi.json`."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from aiohttp import web

from sandbox.account import Account
from sandbox.faults.base import Endpoint, Fault, description, field_names
from sandbox.faults.examples import EXAMPLES
from sandbox.faults.kinds import KINDS
from sandbox.openapi.document import describe
from sandbox.openapi.faults import SELECTION
from sandbox.traffic.apps import App

if TYPE_CHECKING:
    from jinja2 import Template

# The page has no scripts and loads no other resources. This policy makes the browser enforce both.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_ROWS = 40
_SPARKLINE_HEIGHT = 30


class DescriptionEndpoints:
    """Handlers for the page and the OpenAPI document.

    Args:
        account: The account to show.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.page, allow_head=False),
            web.get("/openapi.json", self.openapi, allow_head=False),
        ]

    async def page(self, _request: web.Request) -> web.Response:
        """Return the page."""
        text = _template().render(_context(self._account))
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def openapi(self, _request: web.Request) -> web.Response:
        """Return the OpenAPI document."""
        return web.Response(body=orjson.dumps(describe()), content_type="application/json")


@cache
def _template() -> Template:
    # Imported only when the page is rendered, so that the sandbox starts quickly.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template("page.html")


def _context(account: Account) -> dict[str, Any]:
    return {
        "document": describe(),
        "facts": _facts(account),
        "faults": account.faults,
        "channels": account.channels.active(),
        "channel_counts": account.channels.to_dict(),
        "apps": [_app(app, account) for app in account.apps[:_MOST_ROWS]],
        "app_names": {app.app_id: app.name for app in account.apps},
        "most_rows": _MOST_ROWS,
        "kinds": [
            (name, field_names(kind), description(kind), _endpoints(kind)) for name, kind in KINDS.items()
        ],
        "selection": SELECTION,
        "examples": EXAMPLES,
    }


def _endpoints(kind: type[Fault]) -> str:
    return "all" if set(kind.endpoints) == set(Endpoint) else ", ".join(kind.endpoints)


def _facts(account: Account) -> dict[str, str]:
    now = account.clock.now()
    limit = account.rate_limit.per_second
    return {
        "Clock": f"{now:%Y-%m-%d %H:%M} {account.config.timezone}",
        "Vendor window": f"{account.window}, from {account.window.oldest_usage_date(now.date())}",
        "Rate limit": f"{limit:g} requests per second" if limit else "none",
        "Apps": f"{len(account.apps):,}",
        "Active faults": f"{len(account.faults):,}",
        "Active channels": f"{len(account.channels.active()):,}",
        "Dashboard API requests": f"{account.stats.to_dict()['requests']:,}",
        "Seed": str(account.config.seed),
    }


def _app(app: App, account: Account) -> dict[str, Any]:
    yesterday = account.clock.now().date() - timedelta(days=1)
    kbps = np.nan_to_num(app.points(yesterday).astype(np.float64))
    return {
        "name": app.name,
        "app_id": app.app_id,
        "traffic": app.profile if app.habit in ("steady", "recorded") else f"{app.profile} ({app.habit})",
        "is_open": account.open_states.is_open(app.app_id),
        "sparkline": _sparkline(kbps),
        "peak": f"{kbps.max():,.0f}",
    }


def _sparkline(kbps: np.ndarray) -> str:
    """Return the points as an SVG path, one unit of width per point."""
    heights = _SPARKLINE_HEIGHT - 1 - kbps / max(float(kbps.max()), 1.0) * (_SPARKLINE_HEIGHT - 3)
    line = "L".join(f"{x} {y:.1f}" for x, y in enumerate(heights.tolist()))
    return f"M0 {_SPARKLINE_HEIGHT}L{line}L{len(kbps) - 1} {_SPARKLINE_HEIGHT}Z"
