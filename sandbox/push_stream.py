"""The push-stream API over HTTP: the form of the body (400), the key (401), faults, the channel (404, 409).

It knows no Customer ID, and its calls do not count against the account's rate limit; what limits the vendor's
gateway has, and whether it looks at the open state, its document does not say. This one does not look.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import orjson
from aiohttp import hdrs, web

from sandbox.account import Account
from sandbox.answers import Answer
from sandbox.call import Call, ReceivedCall
from sandbox.channel_body import ChannelBody, read_channel_body
from sandbox.channel_key import Admission, KeyRefusedError, admit
from sandbox.channels import Channel, ConflictError, NotFoundError
from sandbox.log import log
from sandbox.request_body import BodyError, read_body
from sandbox.responses import respond, respond_with_faults

BASE_PATH = "/api/v1"
CHANNEL_PATH = BASE_PATH + "/channel"

# The document's words; for 409 it has only the meaning of the number, and for 405 nothing.
WORDS = {
    400: "Invalid request parameter",
    401: "Unauthorized",
    404: "Channel not found",
    405: "Method not allowed",
    409: "Conflicted channel names",
}

# Where a handler leaves the App ID of a valid Channel Key, for clock faults.
APP_ID = web.RequestKey("app_id", str)

Effect = Callable[[ChannelBody, Admission], dict[str, Any]]


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Makes an error answer of the push-stream API."""
    envelope = {"error": {"code": status, "message": message}}
    return Answer(status, orjson.dumps(envelope), headers or {})


class PushStreamCalls:
    """Handlers of everything that is answered in the push-stream API's name.

    Args:
        account: Whose apps push streams.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Lists the calls with their handlers."""
        return [
            web.post(CHANNEL_PATH, self.start, name=Call.CHANNEL),
            web.put(CHANNEL_PATH, self.update, name=Call.CHANNEL),
            web.delete(CHANNEL_PATH, self.stop, name=Call.CHANNEL),
        ]

    def unknown(self, refused: web.HTTPException) -> web.Response:
        """Answers a path or method that the API does not have."""
        if isinstance(refused, web.HTTPMethodNotAllowed):
            return respond(failure(405, WORDS[405], {hdrs.ALLOW: refused.headers[hdrs.ALLOW]}))
        return respond(failure(404, "There is no such API call"))

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Starts pushing a channel."""
        return await self._answer(request, {"urls"}, self._start)

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Changes where a channel is pushed to, or the order of its hosts."""
        return await self._answer(request, {"urls", "uids"}, self._update)

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Stops pushing a channel."""
        return await self._answer(request, frozenset(), self._stop)

    async def _answer(self, request: web.Request, optional: Set[str], effect: Effect) -> web.StreamResponse:
        account = self._account
        await account.hold_back()
        try:
            body = read_channel_body(await read_body(request), optional)
            now = account.clock.now().timestamp()
            admission = admit(body.channelkey, body.cname, account.certificate_of, now)
        except BodyError as problem:
            return respond(self._refuse(400, str(problem)))
        except KeyRefusedError as problem:
            return respond(self._refuse(401, str(problem)))
        request[APP_ID] = admission.app_id
        call = account.faults.met_by(ReceivedCall(Call.CHANNEL, request.method, admission.app_id))
        answer = (call and call.instead(failure)) or self._take_effect(effect, body, admission)
        return await respond_with_faults(request, answer, call)

    def _take_effect(self, effect: Effect, body: ChannelBody, admission: Admission) -> Answer:
        try:
            return Answer(200, orjson.dumps({"data": effect(body, admission)}))
        except NotFoundError:
            return self._refuse(404, "The app pushes no channel of this name.")
        except ConflictError:
            return self._refuse(409, "The app pushes a channel of this name already.")

    def _start(self, body: ChannelBody, admission: Admission) -> dict[str, Any]:
        channel = Channel(
            app_id=admission.app_id,
            cname=body.cname,
            urls=body.urls or [],
            # Hosts join by other ways than this API, so nobody is in a channel until an update names them.
            uids=[],
            started_at=self._account.clock.now().isoformat(),
            key_age_seconds=admission.key_age_seconds,
        )
        self._account.channels.start(channel)
        return _described(channel)

    def _update(self, body: ChannelBody, admission: Admission) -> dict[str, Any]:
        return _described(self._account.channels.update(admission.app_id, body.cname, body.urls, body.uids))

    def _stop(self, body: ChannelBody, admission: Admission) -> dict[str, Any]:
        self._account.channels.stop(admission.app_id, body.cname)
        return {"cname": body.cname}

    def _refuse(self, status: int, reason: str) -> Answer:
        log.info("A channel call was refused with %d: %s", status, reason)
        self._account.channels.refused(status, reason)
        return failure(status, WORDS[status])


def _described(channel: Channel) -> dict[str, Any]:
    return {"cname": channel.cname, "uids": channel.uids, "urls": channel.urls}
