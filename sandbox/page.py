"""The pages at `/` and `/reference`, and the OpenAPI document at `/openapi.json`."""

from __future__ import annotations

import base64
import hashlib
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
from sandbox.openapi.components import EXAMPLE_APP_ID, EXAMPLE_DATE
from sandbox.openapi.document import describe
from sandbox.openapi.faults import SELECTION
from sandbox.traffic.apps import App

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPT = (_TEMPLATES / "reference.js").read_text(encoding="utf-8")
# The browser enforces this policy: the pages load no other resources, run only this script and connect only
# to the sandbox.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; connect-src 'self'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"
)
_MOST_ROWS = 20
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
            web.get("/reference", self.reference, allow_head=False),
            web.get("/openapi.json", self.openapi, allow_head=False),
        ]

    async def page(self, _request: web.Request) -> web.Response:
        """Return the page that shows the sandbox's state."""
        return _html("page.html", _state(self._account))

    async def reference(self, _request: web.Request) -> web.Response:
        """Return the page that describes the endpoints and sends requests to them."""
        return _html("reference.html", _reference(self._account))

    async def openapi(self, _request: web.Request) -> web.Response:
        """Return the OpenAPI document."""
        return web.Response(body=orjson.dumps(describe()), content_type="application/json")


def _html(template: str, context: dict[str, Any]) -> web.Response:
    text = _environment().get_template(template).render(context, document=describe())
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY})


@cache
def _environment() -> Environment:
    # Imported only when a page is rendered, so that the sandbox starts quickly.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def _state(account: Account) -> dict[str, Any]:
    return {
        "facts": _facts(account),
        "faults": account.faults,
        "channels": account.channels.active(),
        "channel_counts": account.channels.to_dict(),
        "apps": [_app(app, account) for app in account.apps[:_MOST_ROWS]],
        "app_names": {app.app_id: app.name for app in account.apps},
        "most_rows": _MOST_ROWS,
    }


def _reference(account: Account) -> dict[str, Any]:
    app_id = account.apps[0].app_id
    yesterday = account.clock.now().date() - timedelta(days=1)
    return {
        "values": {"app_id": app_id, "date": f"{yesterday:%Y%m%d}"},
        "with_own_app": lambda text: text.replace(EXAMPLE_APP_ID, app_id).replace(
            EXAMPLE_DATE, str(yesterday)
        ),
        "app_names": {app.app_id: app.name for app in account.apps},
        "script": _SCRIPT,
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
