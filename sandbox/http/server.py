"""The server: its routes, and the middleware that every request passes through.

A request belongs to the push-stream API if its path begins with that API's base path, and to the sandbox
itself if its path is `/`, `/reference`, `/openapi.json` or below `/_sandbox/`. Every other request belongs to
the Dashboard API. Such a request needs credentials and counts against the rate limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sandbox.account import Account
from sandbox.config import Config
from sandbox.control import CONTROL_PATH, ControlEndpoints
from sandbox.dashboard import BASE_PATH, DashboardEndpoints
from sandbox.http.date_header import DateHeader
from sandbox.http.requests import USAGE_DATE
from sandbox.http.responses import NoResponse
from sandbox.log import access_log, log
from sandbox.page import DescriptionEndpoints
from sandbox.push_stream import BASE_PATH as PUSH_STREAM_PATH
from sandbox.push_stream.api import PushStreamEndpoints
from sandbox.stats import NO_RESPONSE

HOST = "127.0.0.1"
# Only one address, because with port 0 each additional address would get its own port.
EVERY_HOST = "0.0.0.0"  # noqa: S104 - HTTPS serves other machines
_OWN_PATHS = frozenset({"/", "/reference", "/openapi.json", CONTROL_PATH})
_OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})
# The longest time that a stop waits for a response that a fault delays.
_STOP_SECONDS = 0.5


class Sandbox:
    """A server that can be started and stopped.

    Args:
        config: The settings.

    Raises:
        ValueError: The traffic file or the fault script is malformed.
        OSError: The traffic file is unreadable.
    """

    def __init__(self, config: Config) -> None:
        self.account = Account(config)
        self._dashboard = DashboardEndpoints(self.account)
        self._push_stream = PushStreamEndpoints(self.account)
        self._runner: web.AppRunner | None = None
        self._port = config.port
        self._https = config.https
        self._own_hosts = _OWN_HOSTS if config.https is None else _OWN_HOSTS | {config.https.host}

    async def start(self) -> None:
        """Listen on the port.

        Raises:
            OSError: The port is in use, or the certificate's directory is not writable.
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
        """Close the port and all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def root_url(self) -> str:
        """The URL of the page."""
        if self._https is None:
            return f"http://{HOST}:{self._port}"
        return f"https://{self._https.host}:{self._port}"

    @property
    def base_url(self) -> str:
        """The base URL of the Dashboard API."""
        return self.root_url + BASE_PATH

    @property
    def push_stream_url(self) -> str:
        """The base URL of the push-stream API."""
        return self.root_url + PUSH_STREAM_PATH

    def application(self) -> web.Application:
        """Build the application with all routes."""
        application = web.Application(middlewares=[self._handle])
        application.on_response_prepare.append(DateHeader(self.account).set)
        control, description = ControlEndpoints(self.account), DescriptionEndpoints(self.account)
        for endpoints in (self._dashboard, self._push_stream, control, description):
            application.add_routes(endpoints.routes())
        return application

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request according to the rules of its API, and log it."""
        began = time.perf_counter()
        logged_path = request.rel_url.raw_path_qs
        if request.path in _OWN_PATHS or request.path.startswith(CONTROL_PATH + "/"):
            response = await self._handle_own(request, handler)
        elif request.path == PUSH_STREAM_PATH or request.path.startswith(PUSH_STREAM_PATH + "/"):
            # A client may put a Channel Key into the query by mistake. The log must not show the key.
            logged_path = request.rel_url.raw_path
            response = await self._handle_vendor(request, handler, self._push_stream.unknown)
            self.account.channels.count_response(_status(response))
        else:
            response = await self._handle_dashboard(request, handler)
        milliseconds = (time.perf_counter() - began) * 1000
        access_log.info("%s %s %s %.1f ms", request.method, logged_path, _status(response), milliseconds)
        return response

    async def _handle_dashboard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        account = self.account
        account.stats.count_request()
        refusal = self._dashboard.refuse(request)
        response = refusal or await self._handle_vendor(request, handler, self._dashboard.unknown)
        app_id = request.match_info.get("app_id")
        known = app_id in account.app_by_id or account.faults.is_foreign(app_id)
        account.stats.count_response(_status(response), app_id if known else None, request.get(USAGE_DATE))
        return response

    async def _handle_vendor(
        self, request: web.Request, handler: Handler, unknown: Callable[[web.HTTPException], web.Response]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return unknown(refused)
        except Exception:
            return _internal_error()

    async def _handle_own(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # If a foreign page's host name resolves to this machine, the browser still sends that name as host.
        if request.url.host not in self._own_hosts:
            hosts = " and ".join(sorted(self._own_hosts))
            return _message(403, f"The sandbox's own endpoints accept only the host names {hosts}.")
        try:
            return await handler(request)
        except ValueError as problem:
            return _message(400, str(problem))
        except web.HTTPException as refused:
            response = _message(refused.status, f"The sandbox has no such endpoint: {refused.reason}.")
            if isinstance(refused, web.HTTPMethodNotAllowed):
                response.headers[hdrs.ALLOW] = refused.headers[hdrs.ALLOW]
            return response
        except Exception:
            return _internal_error()


def _internal_error() -> web.Response:
    log.exception("A bug in the sandbox:")
    return _message(500, "The sandbox had an internal error. See its log.")


def _status(response: web.StreamResponse) -> str:
    return NO_RESPONSE if isinstance(response, NoResponse) else str(response.status)


def _message(status: int, message: str) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps({"message": message}), content_type="application/json"
    )
