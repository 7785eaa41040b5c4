"""The push-stream API's endpoints: start, update and stop a channel.

The checks run in this order: format of the body (400), Channel Key (401), scripted faults, channel (404 or
409). Channel requests carry no Customer ID and do not count against the account's rate limit. The vendor's
documentation specifies neither the gateway's limits nor the effect of the open state. The sandbox applies no
limit and ignores the open state.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import orjson
from aiohttp import hdrs, web

from sandbox.account import Account
from sandbox.faults.base import Endpoint, ReceivedRequest
from sandbox.http.requests import APP_ID, BodyError, read_body
from sandbox.http.responses import ApiResponse, deliver, send
from sandbox.log import log
from sandbox.push_stream import BASE_PATH
from sandbox.push_stream.channel_body import ChannelBody, read_channel_body
from sandbox.push_stream.channel_key import InvalidChannelKeyError, ValidChannelKey, verify_channel_key
from sandbox.push_stream.channels import Channel, ConflictError, NotFoundError

CHANNEL_PATH = BASE_PATH + "/channel"

# The messages in the vendor's documentation, which gives only the meaning of 409 and does not mention 405.
MESSAGES = {
    400: "Invalid request parameter",
    401: "Unauthorized",
    404: "Channel not found",
    405: "Method not allowed",
    409: "Conflicted channel names",
}

Effect = Callable[[ChannelBody, ValidChannelKey], dict[str, Any]]


def push_stream_error(status: int, message: str, headers: dict[str, str] | None = None) -> ApiResponse:
    """Render an error in the format of the push-stream API."""
    envelope = {"error": {"code": status, "message": message}}
    return ApiResponse(status, orjson.dumps(envelope), headers or {})


class PushStreamEndpoints:
    """Handlers for the push-stream API.

    Args:
        account: The account to serve.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, named after the endpoint as in fault scripts."""
        return [
            web.post(CHANNEL_PATH, self.start, name=Endpoint.CHANNEL),
            web.put(CHANNEL_PATH, self.update, name=Endpoint.CHANNEL),
            web.delete(CHANNEL_PATH, self.stop, name=Endpoint.CHANNEL),
        ]

    def unknown(self, refused: web.HTTPException) -> web.Response:
        """Return the 404 or 405 for an unknown path or method."""
        if isinstance(refused, web.HTTPMethodNotAllowed):
            return send(push_stream_error(405, MESSAGES[405], {hdrs.ALLOW: refused.headers[hdrs.ALLOW]}))
        return send(push_stream_error(404, "There is no such API call"))

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start a channel."""
        return await self._respond(request, {"urls"}, self._start)

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Replace a channel's stream URLs or the order of its hosts."""
        return await self._respond(request, {"urls", "uids"}, self._update)

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Stop a channel."""
        return await self._respond(request, frozenset(), self._stop)

    async def _respond(self, request: web.Request, optional: Set[str], effect: Effect) -> web.StreamResponse:
        account = self._account
        await account.wait_for_latency()
        try:
            body = read_channel_body(await read_body(request), optional)
            now = account.clock.now().timestamp()
            key = verify_channel_key(body.channelkey, body.cname, account.certificate_of, now)
        except BodyError as problem:
            return send(self._refuse(400, str(problem)))
        except InvalidChannelKeyError as problem:
            return send(self._refuse(401, str(problem)))
        request[APP_ID] = key.app_id
        faults = account.faults.apply(ReceivedRequest(Endpoint.CHANNEL, request.method, key.app_id))
        if faults is None:
            return send(self._take_effect(effect, body, key))
        response = faults.replacement(push_stream_error) or self._take_effect(effect, body, key)
        return await deliver(request, response, faults.delivery)

    def _take_effect(self, effect: Effect, body: ChannelBody, key: ValidChannelKey) -> ApiResponse:
        try:
            return ApiResponse(200, orjson.dumps({"data": effect(body, key)}))
        except NotFoundError:
            return self._refuse(404, "The app has no active channel with this name.")
        except ConflictError:
            return self._refuse(409, "The app already has an active channel with this name.")

    def _start(self, body: ChannelBody, key: ValidChannelKey) -> dict[str, Any]:
        channel = Channel(
            app_id=key.app_id,
            cname=body.cname,
            urls=body.urls or [],
            # Hosts do not join through this API, so a channel has no hosts until an update names them.
            uids=[],
            started_at=self._account.clock.now().isoformat(),
            key_age_seconds=key.age_seconds,
        )
        self._account.channels.start(channel)
        return _to_dict(channel)

    def _update(self, body: ChannelBody, key: ValidChannelKey) -> dict[str, Any]:
        return _to_dict(self._account.channels.update(key.app_id, body.cname, body.urls, body.uids))

    def _stop(self, body: ChannelBody, key: ValidChannelKey) -> dict[str, Any]:
        self._account.channels.stop(key.app_id, body.cname)
        return {"cname": body.cname}

    def _refuse(self, status: int, reason: str) -> ApiResponse:
        log.info("Refused a channel request with %d: %s", status, reason)
        self._account.channels.count_refusal(status, reason)
        return push_stream_error(status, MESSAGES[status])


def _to_dict(channel: Channel) -> dict[str, Any]:
    return {"cname": channel.cname, "uids": channel.uids, "urls": channel.urls}
