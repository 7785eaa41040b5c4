"""The push-stream API: starts, updates and stops pushing a channel's stream (bypass push-stream document).

Each try carries a Channel Key of its own, made a moment before. The document does not say what a start does
that is sent twice, so a start is never repeated unless the vendor turned it away or was not reached.
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
from agora.client.request import Request
from agora.client.timeouts import TIMEOUTS, Timeouts
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
from agora.settings import PushStreamSettings
from agora.vendor.pacer import Pacer

REQUESTS_PER_SECOND = 10.0  # the limit of the vendor's newer pages, per account and API

MEANINGS: dict[int, Meaning] = {
    400: (RequestInvalid, "Mend what the vendor names; if nothing is wrong with it, ask the vendor."),
    401: (
        ChannelKeyRefused,
        "Mend the connection {conn_id}: login is the App ID, password its App Certificate (neither is the"
        " Customer ID or Customer Certificate). If they are right, check this machine's clock: a Channel Key"
        " is good for five minutes.",
    ),
    404: (ChannelNotFound, "Nothing is pushed under that name: check it, or start it."),
    409: (
        ChannelConflict,
        "A channel of that name is pushed already: update it, stop it, or take another name.",
    ),
    429: (RateLimited, "Wait a minute, then ask again."),
    FAILED: (VendorUnavailable, "Ask again: it does no harm to ask this twice."),
}
START_MEANINGS: dict[int, Meaning] = {
    **MEANINGS,
    FAILED: (
        OutcomeUnknown,
        "The start may have taken effect all the same, and is not repeated blindly. Update the channel with"
        " the same urls: 404 says that nothing was started, and then start it again. Or stop it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as the vendor's answer has it.

    Attributes:
        cname: Its name; the vendor's own example answers with another one than was asked for.
        uids: Its hosts, in order.
        urls: Where its stream is pushed to.
    """

    cname: str
    uids: list[int]
    urls: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as they travel from task to task."""
        return asdict(self)


class PushStreamClient(ApiClient):
    """The push-stream API of one App ID, as an asynchronous context manager.

    Every call raises, besides what it names:
        SettingsError: A name, URL or uid cannot be asked for; nothing was sent.
        RequestInvalid: 400.
        ChannelKeyRefused: 401.
        RateLimited: 429 to the end.
        UnexpectedResponse: Any other status, or a success whose body is not `{"data": {…}}`.

    Args:
        settings: The app.
        timeouts: How long one request may take.
    """

    def __init__(self, settings: PushStreamSettings, *, timeouts: Timeouts = TIMEOUTS) -> None:
        self.settings = settings
        transport = HttpClient(
            settings.base_url,
            pacer=Pacer(REQUESTS_PER_SECOND),
            secrets=(settings.app_certificate.get_secret_value(),),
            timeouts=timeouts,
            ca_file=settings.ca_file,
            proxy=settings.route(),
        )
        super().__init__(settings.conn_id, settings.base_url, transport)

    async def start(self, cname: str, urls: Sequence[str] = ()) -> Channel:
        """Start pushing a channel's stream.

        Args:
            cname: The channel's name, 1 to 64 printable ASCII characters.
            urls: Where to, rtmp:// or rtmps://; none leaves it to the vendor.

        Raises:
            ChannelConflict: 409.
            OutcomeUnknown: 5xx, or no answer after the request was sent.
            VendorUnavailable: The host was not reached; nothing was sent.
        """
        content = {"cname": cname, **({"urls": require_urls(urls)} if urls else {})}
        return await self._channel("POST", content, START_MEANINGS)

    async def update(self, cname: str, *, uids: Sequence[int] = (), urls: Sequence[str] = ()) -> Channel:
        """Change the hosts or the stream URLs of a channel that is pushed.

        Args:
            cname: The channel's name.
            uids: The hosts in their order, positive; none leaves them as they are.
            urls: Where to; none leaves them as they are.

        Raises:
            ChannelNotFound: 404.
            VendorUnavailable: 5xx or no answer to the end.
        """
        content: dict[str, Any] = {"cname": cname}
        if uids:
            content["uids"] = require_uids(uids)
        if urls:
            content["urls"] = require_urls(urls)
        return await self._channel("PUT", content, MEANINGS)

    async def stop(self, cname: str) -> Channel:
        """Stop pushing a channel's stream.

        Where an earlier try was not answered, a 404 is a success: whatever was pushed is not.

        Args:
            cname: The channel's name.

        Raises:
            ChannelNotFound: 404.
            VendorUnavailable: 5xx or no answer to the end.
        """
        try:
            return await self._channel("DELETE", {"cname": cname}, MEANINGS)
        except ChannelNotFound as error:
            if error.answer is None or not error.answer.failed_tries:
                raise
        return Channel(cname, [], [])

    def about(self, cname: str) -> str:
        """Name what was asked, for messages."""
        return f"Channel {cname}, App {self.settings.app_id}, connection {self.settings.conn_id}"

    async def _channel(self, method: str, content: dict[str, Any], meanings: dict[int, Meaning]) -> Channel:
        about, app_id = self.about(require_cname(content["cname"])), self.settings.app_id
        request = Request(method, "channel", content=lambda: self._signed(content), secret=("channelkey",))
        answer = await self.ask(request, meanings, about=about, app_id=app_id)
        channel = None if answer.fault else _channel_of(answer.body)
        if channel is not None:
            return channel
        if code := _error_code(answer.body):
            raise self.refusal(answer, code, meanings, about=about, app_id=app_id)
        raise UnexpectedResponse(
            f"HTTP {answer.status}, but it does not say which channel: {answer.fault or answer.message()}",
            about=about,
            app_id=app_id,
            advice="It has probably taken effect all the same: update the channel to see, or stop it.",
            answer=answer,
        )

    def _signed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Add a Channel Key made now; the vendor wants it for uid 0."""
        certificate = self.settings.app_certificate.get_secret_value()
        key = channel_key.generate(self.settings.app_id, certificate, content["cname"])
        return {**content, "channelkey": key}


def _channel_of(body: bytes) -> Channel | None:
    """Read `{"data": {"cname": "…", "uids": […], "urls": […]}}`; None where it is something else.

    What stops a channel answers with its name alone. Of a start the document says that urls is no array, and
    shows one: a single text is as good.
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
    """Read the code of `{"error": {"code": 404, …}}`, the status whatever HTTP says; 0 without one."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0
    return code if isinstance(code, int) and not isinstance(code, bool) and 300 <= code < 600 else 0
