"""Push-stream API client: start, update and stop pushing a channel's stream.

Source: the vendor's bypass push-stream document. Each try has a new Channel Key. The document does not
describe the effect of a repeated start, so a start is retried only if the vendor refused the request or was
not reached.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agora.client import channel_key
from agora.client.api_client import FAILED, ApiClient, Meaning
from agora.client.channel_request import require_cname, require_uids, require_urls
from agora.client.http import HttpClient
from agora.client.request import TIMEOUTS, Request, Timeouts
from agora.client.retries import RetryingClient
from agora.errors import (
    ChannelConflict,
    ChannelKeyRefused,
    ChannelNotFound,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    VendorUnavailable,
)
from agora.rate_limit.local import LocalLimiter
from agora.settings.connections import PushStreamSettings

REQUESTS_PER_SECOND = 10.0  # the limit on the vendor's newer pages, per account and API

MEANINGS: dict[int, Meaning] = {
    400: (
        RequestInvalid,
        "Fix the fault described in the vendor's message. If none is described, contact the vendor.",
    ),
    401: (
        ChannelKeyRefused,
        "Fix the connection {conn_id}: login is the App ID and password its App Certificate (neither is the"
        " Customer ID or Customer Certificate). If both are right, check this machine's clock: a Channel Key"
        " is valid for five minutes.",
    ),
    404: (
        ChannelNotFound,
        "No channel with this name is being pushed. Check the name, or start the channel.",
    ),
    409: (
        ChannelConflict,
        "A channel with this name is already being pushed. Update it, stop it, or choose another name.",
    ),
    429: (RateLimited, "Wait a minute, then try again."),
    FAILED: (VendorUnavailable, "Try again. Repeating this request is safe."),
}
START_MEANINGS: dict[int, Meaning] = {
    **MEANINGS,
    FAILED: (
        OutcomeUnknown,
        "The start may have taken effect, so it is not sent again automatically. Update the channel with the"
        " same urls. A 404 means that nothing was started, so start the channel again. Alternatively, stop"
        " the channel.",
    ),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, as described in the vendor's response.

    Attributes:
        cname: Name of the channel. In the vendor's own example, this name differs from the requested name.
        uids: The hosts, in order.
        urls: Destinations of the push.
    """

    cname: str
    uids: list[int]
    urls: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the channel as JSON-compatible values, for XComs."""
        return asdict(self)


class PushStreamClient(ApiClient):
    """Push-stream API client for one App ID, used as an asynchronous context manager.

    Every call also raises:
        SettingsError: A name, URL or uid is not valid. Nothing was sent.
        RequestInvalid: 400.
        ChannelKeyRefused: 401.
        RateLimited: 429 after all retries.
        UnexpectedResponse: Any other status, or a successful response whose body is not `{"data": {…}}`.

    Args:
        settings: The app.
        timeouts: Time limits for one request.
    """

    def __init__(self, settings: PushStreamSettings, *, timeouts: Timeouts = TIMEOUTS) -> None:
        self.settings = settings
        http = HttpClient(
            settings.base_url,
            secrets=(settings.app_certificate.get_secret_value(),),
            timeouts=timeouts,
            ca_file=settings.ca_file,
            proxy=settings.route(),
        )
        transport = RetryingClient(http, LocalLimiter(REQUESTS_PER_SECOND))
        super().__init__(settings.conn_id, settings.base_url, transport)

    async def start(self, cname: str, urls: Sequence[str] = ()) -> Channel:
        """Start pushing a channel's stream.

        Args:
            cname: The channel's name, 1 to 64 printable ASCII characters.
            urls: Destinations, rtmp:// or rtmps://. If empty, the vendor's default applies.

        Raises:
            ChannelConflict: 409.
            OutcomeUnknown: 5xx, or no response after the request was sent.
            VendorUnavailable: The host was not reached, so nothing was sent.
        """
        content = {"cname": cname, **({"urls": require_urls(urls)} if urls else {})}
        return await self._channel("POST", content, START_MEANINGS)

    async def update(self, cname: str, *, uids: Sequence[int] = (), urls: Sequence[str] = ()) -> Channel:
        """Change the hosts or the stream URLs of a pushed channel.

        Args:
            cname: The channel's name.
            uids: Positive uids of the hosts, in order. If empty, the hosts do not change.
            urls: Destinations. If empty, the destinations do not change.

        Raises:
            ChannelNotFound: 404.
            VendorUnavailable: 5xx or no response after all retries.
        """
        content: dict[str, Any] = {"cname": cname}
        if uids:
            content["uids"] = require_uids(uids)
        if urls:
            content["urls"] = require_urls(urls)
        return await self._channel("PUT", content, MEANINGS)

    async def stop(self, cname: str) -> Channel:
        """Stop pushing a channel's stream.

        If an earlier try got no response, a 404 counts as success, because the channel is no longer pushed.

        Args:
            cname: The channel's name.

        Raises:
            ChannelNotFound: 404.
            VendorUnavailable: 5xx or no response after all retries.
        """
        try:
            return await self._channel("DELETE", {"cname": cname}, MEANINGS)
        except ChannelNotFound as error:
            if error.answer is None or not error.answer.failed_tries:
                raise
        return Channel(cname, [], [])

    def about(self, cname: str) -> str:
        """Return a request's subject, for messages."""
        return f"Channel {cname}, App {self.settings.app_id}, connection {self.settings.conn_id}"

    async def _channel(self, method: str, content: dict[str, Any], meanings: dict[int, Meaning]) -> Channel:
        about, app_id = self.about(require_cname(content["cname"])), self.settings.app_id
        request = Request(method, "channel", content=lambda: self._signed(content), secret=("channelkey",))
        answer = await self.send(request, meanings, about=about, app_id=app_id)
        channel = None if answer.fault else _channel_of(answer.body)
        if channel is not None:
            return channel
        if code := _error_code(answer.body):
            raise self.refusal(answer, code, meanings, about=about, app_id=app_id)
        raise UnexpectedResponse(
            f"HTTP {answer.status}, but the body has no channel: {answer.fault or answer.message()}",
            about=about,
            app_id=app_id,
            advice="The request has probably taken effect. Update the channel to find out, or stop it.",
            answer=answer,
        )

    def _signed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the request body with a new Channel Key. The vendor requires uid 0."""
        certificate = self.settings.app_certificate.get_secret_value()
        key = channel_key.generate(self.settings.app_id, certificate, content["cname"])
        return {**content, "channelkey": key}


def _channel_of(body: bytes) -> Channel | None:
    """Return the channel in `{"data": {"cname": "…", "uids": […], "urls": […]}}`, or None.

    The response to a stop contains only the name. For a start, the document describes `urls` as a string but
    shows an array, so both are accepted.
    """
    try:
        data = json.loads(body)["data"]
        cname, uids, urls = data["cname"], data.get("uids") or [], data.get("urls") or []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    urls = [urls] if isinstance(urls, str) else urls
    if not (isinstance(cname, str) and isinstance(uids, list) and isinstance(urls, list)):
        return None
    if not all(isinstance(uid, int) and not isinstance(uid, bool) for uid in uids):
        return None
    return Channel(cname, uids, urls) if all(isinstance(url, str) for url in urls) else None


def _error_code(body: bytes) -> int:
    """Return the code in `{"error": {"code": 404, …}}`, which overrides the HTTP status, or 0."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0
    return code if isinstance(code, int) and not isinstance(code, bool) and 300 <= code < 600 else 0
