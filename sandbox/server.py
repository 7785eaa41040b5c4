"""The sandbox as a server, on 127.0.0.1 or over HTTPS: routes, and what happens to every call on its way.

A call is one of three kinds. What begins with the push-stream API's path is answered in its name, the
sandbox's own paths in the sandbox's, and everything else in the Dashboard API's, whose calls ask for
credentials and count against the rate limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sandbox.account import Account
from sandbox.config import Config
from sandbox.control import ControlCalls
from sandbox.control_http import CONTROL_PATH
from sandbox.dashboard import BASE_PATH, USAGE_DATE, DashboardCalls
from sandbox.date_header import DateHeader
from sandbox.log import access_log, log
from sandbox.push_stream import BASE_PATH as PUSH_STREAM_PATH
from sandbox.push_stream import PushStreamCalls
from sandbox.push_stream_control import PushStreamControl
from sandbox.responses import HungUp
from sandbox.stats import NO_ANSWER

HOST = "127.0.0.1"
# One socket: with a port of the system's choice, each one more would be given a port of its own.
EVERY_HOST = "0.0.0.0"  # noqa: S104 - HTTPS is for other machines
_OWN_PATHS = frozenset({"/", "/openapi.json", CONTROL_PATH})
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})
# Calls that are held back by a fault are not waited for longer than this when the sandbox stops.
_STOP_SECONDS = 0.5


class Sandbox:
    """A server that can be started and stopped.

    Args:
        config: The settings.

    Raises:
        ValueError: The traffic file or the faults are not of their form.
        OSError: The traffic file cannot be read.
    """

    def __init__(self, config: Config) -> None:
        self.account = Account(config)
        self._dashboard = DashboardCalls(self.account)
        self._push_stream = PushStreamCalls(self.account)
        self._runner: web.AppRunner | None = None
        self._port = config.port
        self._https = config.https

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: The port is taken.
        """
        runner = web.AppRunner(
            self.application(), access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS
        )
        await runner.setup()
        try:
            await self._site(runner).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    def _site(self, runner: web.AppRunner) -> web.TCPSite:
        if self._https is None:
            return web.TCPSite(runner, HOST, self._port, backlog=1024)
        return web.TCPSite(runner, EVERY_HOST, self._port, backlog=1024, ssl_context=self._https.context())

    async def stop(self) -> None:
        """Closes the port and all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def root_url(self) -> str:
        """Where the page, the description and the control calls are."""
        if self._https is None:
            return f"http://{HOST}:{self._port}"
        return f"https://{self._https.host}:{self._port}"

    @property
    def base_url(self) -> str:
        """What stands in for the BaseUrl of the vendor's Dashboard API."""
        return self.root_url + BASE_PATH

    @property
    def push_stream_url(self) -> str:
        """What stands in for the base of the vendor's push-stream API."""
        return self.root_url + PUSH_STREAM_PATH

    def application(self) -> web.Application:
        """Puts the routes together."""
        application = web.Application(middlewares=[self._accompany])
        application.on_response_prepare.append(DateHeader(self.account).set)
        for calls in (
            self._dashboard,
            self._push_stream,
            ControlCalls(self.account),
            PushStreamControl(self.account),
        ):
            application.add_routes(calls.routes())
        return application

    @web.middleware
    async def _accompany(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Goes with every call: sorts it, counts it, logs it, and gives each failure a sentence."""
        began = time.perf_counter()
        # A Channel Key in the query, where it does not belong, must not be logged either.
        logged_path = request.rel_url.raw_path_qs
        if request.path in _OWN_PATHS or request.path.startswith(CONTROL_PATH + "/"):
            response = await self._own(request, handler)
        elif request.path == PUSH_STREAM_PATH or request.path.startswith(PUSH_STREAM_PATH + "/"):
            logged_path = request.rel_url.raw_path
            response = await self._handled(request, handler, self._push_stream.unknown)
            self.account.channels.answered(_status(response))
        else:
            response = await self._counted(request, handler)
        access_log.info(
            "%s %s %s %.1f ms",
            request.method,
            logged_path,
            _status(response),
            (time.perf_counter() - began) * 1000,
        )
        return response

    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        stats = self.account.stats
        stats.arrived()
        response = self._dashboard.turn_away(request) or await self._handled(
            request, handler, self._dashboard.unknown
        )
        app_id = request.match_info.get("app_id")
        counted = app_id in self.account.app_by_id or self.account.faults.names_foreign(app_id)
        stats.answered(_status(response), app_id if counted else None, request.get(USAGE_DATE))
        return response

    async def _handled(
        self, request: web.Request, handler: Handler, unknown: Callable[[web.HTTPException], web.Response]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return unknown(refused)
        except Exception:
            log.exception("The sandbox itself failed; this is its own bug.")
            return _sentence(500, "The sandbox itself failed; its log says why.")

    async def _own(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A page from elsewhere whose name was made to point here still carries its own name as host.
        own_hosts = _OWN_HOSTS if self._https is None else _OWN_HOSTS | {self._https.host}
        if request.url.host not in own_hosts:
            return _sentence(403, f"The control calls answer to {' and '.join(sorted(own_hosts))} only.")
        try:
            return await handler(request)
        except ValueError as problem:
            return _sentence(400, str(problem))
        except web.HTTPException as refused:
            response = _sentence(refused.status, f"The sandbox has no such control call: {refused.reason}.")
            if isinstance(refused, web.HTTPMethodNotAllowed):
                response.headers[hdrs.ALLOW] = refused.headers[hdrs.ALLOW]
            return response
        except Exception:
            log.exception("The sandbox itself failed; this is its own bug.")
            return _sentence(500, "The sandbox itself failed; its log says why.")


def _status(response: web.StreamResponse) -> str:
    return NO_ANSWER if isinstance(response, HungUp) else str(response.status)


def _sentence(status: int, message: str) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps({"message": message}), content_type="application/json"
    )
