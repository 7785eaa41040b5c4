"""The sandbox's own endpoints under /_sandbox/, which show and change its state. The vendor has none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sandbox.account import Account
from sandbox.credentials import Credentials
from sandbox.dashboard import unauthorized

CONTROL_PATH = "/_sandbox"


class ControlEndpoints:
    """Handlers for the control endpoints.

    Args:
        account: The account to show and change.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        endpoints = (
            ("GET", "health", self.health),
            ("POST", "reset", self.reset),
            ("GET", "apps", self.apps),
            ("GET", "stats", self.stats),
            ("POST", "stats/reset", self.reset_stats),
            ("PUT", "faults", self.put_faults),
            ("PUT", "rate-limit", self.put_rate_limit),
            ("PUT", "credentials", self.put_credentials),
            ("PUT", "clock", self.put_clock),
            ("GET", "open-states", self.open_states),
            ("PUT", "open-states", self.put_open_states),
            ("PUT", "open-grants", self.put_open_grants),
            ("GET", "channels", self.channels),
            ("POST", "channels/reset", self.reset_channels),
            ("GET", "app-certificates", self.app_certificates),
        )
        return [_route(*endpoint) for endpoint in endpoints]

    async def health(self, _request: web.Request) -> web.Response:
        """Return the state of the sandbox and its settings."""
        account = self._account
        now = account.clock.now()
        return _json(
            {
                "status": "ok",
                "now": now.isoformat(),
                "today": now.date().isoformat(),
                "timezone": account.config.timezone,
                "window": str(account.window),
                "oldest_usage_date": account.window.oldest_usage_date(now.date()).isoformat(),
                "rate_limit_per_second": account.rate_limit.per_second,
                "seed": account.config.seed,
                "apps": len(account.apps),
                "faults": len(account.faults),
                "open_grants": account.open_states.granted,
            }
        )

    async def reset(self, request: web.Request) -> web.Response:
        """Restore the initial state."""
        self._account.reset()
        return await self.health(request)

    async def apps(self, _request: web.Request) -> web.Response:
        """Return the account's apps."""
        apps = [app.to_dict() for app in self._account.apps]
        if self._account.recorded is not None:
            days = self._account.recorded.days
            apps[-1] |= {
                "first_usage_date": min(days).isoformat(),
                "last_whole_usage_date": self._account.recorded.last_whole_day.isoformat(),
                "last_usage_date": max(days).isoformat(),
            }
        return _json(apps)

    async def stats(self, _request: web.Request) -> web.Response:
        """Return the request counts for the Dashboard API."""
        return _json(self._account.stats.to_dict() | self._account.rate_limit.to_dict())

    async def reset_stats(self, _request: web.Request) -> web.Response:
        """Set the counts to zero."""
        self._account.stats.reset()
        self._account.rate_limit.reset_counts()
        return _json({"requests": 0})

    async def put_faults(self, request: web.Request) -> web.Response:
        """Replace the fault script."""
        self._account.faults = self._account.read_faults(await _read_json(request))
        return _json({"faults": len(self._account.faults)})

    async def put_rate_limit(self, request: web.Request) -> web.Response:
        """Replace the rate limit."""
        per_second = (await _read_object(request, {"per_second"}))["per_second"]
        if isinstance(per_second, bool) or not isinstance(per_second, int | float):
            raise ValueError("per_second must be a number.")
        self._account.rate_limit.set(per_second)
        return _json({"per_second": self._account.rate_limit.per_second})

    async def put_credentials(self, request: web.Request) -> web.Response:
        """Replace the credentials. The response does not repeat them."""
        given = await _read_object(request, {"customer_id", "customer_certificate"})
        if not all(isinstance(text, str) for text in given.values()):
            raise ValueError("customer_id and customer_certificate must be strings.")
        self._account.credentials = Credentials(**given)
        return _json({"changed": True})

    async def put_clock(self, request: web.Request) -> web.Response:
        """Set the clock, which continues to run from the new time."""
        text = (await _read_object(request, {"now"}))["now"]
        try:
            instant = datetime.fromisoformat(text)
        except (TypeError, ValueError) as problem:
            raise ValueError("now must be a time such as 2026-11-01T12:00:00+00:00.") from problem
        self._account.clock.set(instant)
        return _json({"now": self._account.clock.now().isoformat()})

    async def open_states(self, _request: web.Request) -> web.Response:
        """Return the open state of every app."""
        states = self._account.open_states
        return _json({app_id: states.is_open(app_id) for app_id in self._account.app_by_id})

    async def put_open_states(self, request: web.Request) -> web.Response:
        """Replace all open states."""
        given = await _read_json(request)
        if not isinstance(given, dict) or not all(isinstance(state, bool) for state in given.values()):
            raise ValueError("The body must be an object that maps App IDs to true or false.")
        for app_id in given:
            if app_id not in self._account.app_by_id:
                raise ValueError(f"Unknown App ID: {app_id!r}.")
        self._account.open_states.replace(app_id for app_id, state in given.items() if state)
        return await self.open_states(request)

    async def put_open_grants(self, request: web.Request) -> web.Response:
        """Set whether applications to enable push-streaming are granted."""
        granted = (await _read_object(request, {"granted"}))["granted"]
        if not isinstance(granted, bool):
            raise ValueError("granted must be true or false.")
        self._account.open_states.granted = granted
        return _json({"granted": granted})

    async def channels(self, _request: web.Request) -> web.Response:
        """Return the active channels and the channel request counts."""
        return _json(self._account.channels.to_dict())

    async def reset_channels(self, _request: web.Request) -> web.Response:
        """Delete all channels and set the channel request counts to zero."""
        self._account.channels.reset()
        return _json({"channels": []})

    async def app_certificates(self, request: web.Request) -> web.Response:
        """Return the App Certificates to a client with the account's credentials."""
        if not self._account.credentials.match(request.headers.get(hdrs.AUTHORIZATION)):
            return unauthorized()
        return _json({app_id: self._account.certificate_of(app_id) for app_id in self._account.app_by_id})


def _route(method: str, name: str, handler: Handler) -> web.RouteDef:
    options = {"allow_head": False} if method == hdrs.METH_GET else {}
    return web.route(method, f"{CONTROL_PATH}/{name}", handler, **options)


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _read_json(request: web.Request) -> Any:
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as problem:
        raise ValueError("The body is not JSON.") from problem


async def _read_object(request: web.Request, keys: set[str]) -> dict[str, Any]:
    given = await _read_json(request)
    if not isinstance(given, dict) or set(given) != keys:
        raise ValueError(f"The body must be an object with {' and '.join(sorted(keys))}.")
    return given
