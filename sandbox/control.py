"""The sandbox's own calls, under /_sandbox/: looks at it and changes it while it runs. Not the vendor's."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from sandbox.account import Account
from sandbox.control_http import CONTROL_PATH, answer_json, get, read_json, read_object
from sandbox.credentials import Credentials
from sandbox.openapi.document import describe
from sandbox.page.document import render_page

# The page has no script and loads nothing; the browser is told to keep it so.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class ControlCalls:
    """Handlers of the control calls and of the sandbox's description.

    Args:
        account: What is looked at and changed.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Lists the calls with their handlers."""
        return [
            get("/", self.page),
            get("/openapi.json", self.openapi),
            get(f"{CONTROL_PATH}/health", self.health),
            get(f"{CONTROL_PATH}/apps", self.apps),
            get(f"{CONTROL_PATH}/stats", self.stats),
            web.post(f"{CONTROL_PATH}/stats/reset", self.reset_stats),
            web.put(f"{CONTROL_PATH}/faults", self.put_faults),
            web.put(f"{CONTROL_PATH}/rate-limit", self.put_rate_limit),
            web.put(f"{CONTROL_PATH}/credentials", self.put_credentials),
            web.put(f"{CONTROL_PATH}/clock", self.put_clock),
        ]

    async def page(self, _request: web.Request) -> web.Response:
        """Shows the description to a person."""
        text = render_page(describe(), self._account)
        return web.Response(
            text=text, content_type="text/html", headers={"Content-Security-Policy": _PAGE_POLICY}
        )

    async def openapi(self, _request: web.Request) -> web.Response:
        """Gives the description to a program."""
        return answer_json(describe())

    async def health(self, _request: web.Request) -> web.Response:
        """Tells that the sandbox runs, and by which settings."""
        account = self._account
        now = account.clock.now()
        return answer_json(
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

    async def apps(self, _request: web.Request) -> web.Response:
        """Lists the apps."""
        described = [app.described() for app in self._account.apps]
        if self._account.replay is not None:
            days = self._account.replay.days
            described[-1] |= {
                "first_usage_date": min(days).isoformat(),
                "last_whole_usage_date": self._account.replay.last_whole_day.isoformat(),
                "last_usage_date": max(days).isoformat(),
            }
        return answer_json(described)

    async def stats(self, _request: web.Request) -> web.Response:
        """Tells what was counted."""
        return answer_json(self._account.stats.described() | self._account.rate_limit.described())

    async def reset_stats(self, _request: web.Request) -> web.Response:
        """Begins to count anew."""
        self._account.stats.reset()
        self._account.rate_limit.reset_counts()
        return answer_json({"requests": 0})

    async def put_faults(self, request: web.Request) -> web.Response:
        """Replace the fault script."""
        self._account.faults = self._account.read_faults(await read_json(request))
        return answer_json({"faults": len(self._account.faults)})

    async def put_rate_limit(self, request: web.Request) -> web.Response:
        """Replaces the rate limit."""
        per_second = (await read_object(request, {"per_second"}))["per_second"]
        if isinstance(per_second, bool) or not isinstance(per_second, int | float):
            raise ValueError("per_second is a number.")
        self._account.rate_limit.set(per_second)
        return answer_json({"per_second": self._account.rate_limit.per_second})

    async def put_credentials(self, request: web.Request) -> web.Response:
        """Replaces the credentials; the answer does not repeat them."""
        given = await read_object(request, {"customer_id", "customer_certificate"})
        if not all(isinstance(text, str) for text in given.values()):
            raise ValueError("customer_id and customer_certificate are texts.")
        self._account.credentials = Credentials(**given)
        return answer_json({"changed": True})

    async def put_clock(self, request: web.Request) -> web.Response:
        """Sets the clock, which ticks on from there."""
        text = (await read_object(request, {"now"}))["now"]
        try:
            instant = datetime.fromisoformat(text)
        except (TypeError, ValueError) as problem:
            raise ValueError("now is a text such as 2026-11-01T12:00:00+00:00.") from problem
        self._account.clock.set(instant)
        return answer_json({"now": self._account.clock.now().isoformat()})
