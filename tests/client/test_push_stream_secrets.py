"""No exception, repr or log record shows an App Certificate or Channel Key, even if the vendor echoes it."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Iterator

import pytest

from agora.client.body import MAX_BODY_BYTES
from agora.client.push_stream import PushStreamClient
from agora.client.request import Timeouts
from agora.errors import AgoraError
from tests.client.push_stream_requests import APP_CERTIFICATE, CHANNEL_CALLS, CNAME, channel_account
from tests.client.raw_server import RawServer, http_response, raw_server

pytestmark = pytest.mark.usefixtures("short_give_up")

SHORTEST_PIECE = 12  # characters; a shorter piece of a secret does not help to guess the rest

ResponseTo = Callable[[str], bytes | None]
"""Returns the response to a request with the given Channel Key; None resets the connection."""


def error_response(status: int, text: str) -> bytes:
    return http_response(status, json.dumps({"error": {"code": status, "message": text}}).encode())


def truncated_response(status: int, text: str) -> bytes:
    return http_response(status, text.encode(), Content_Length=str(len(text) + 100))


RESPONSES: dict[str, ResponseTo] = {
    "accepted": lambda _: http_response(200, b'{"data": {"cname": "lobby"}}'),
    "malformed": lambda _: http_response(400),
    "refused": lambda _: error_response(401, "no"),
    "conflict": lambda _: http_response(409),
    "throttled": lambda _: http_response(429),
    "echoed and throttled": lambda key: error_response(429, f"{key} {APP_CERTIFICATE}"),
    "broken": lambda _: http_response(500),
    "redirected": lambda _: http_response(302, b"", Location="https://example.invalid/"),
    "no channel": lambda _: http_response(200, b"<html>"),
    "truncated": lambda _: truncated_response(200, "{"),
    "not HTTP": lambda _: b"HTTP/1.1 999999 \x00\r\nbroken\r\n\r\n",
    "reset": lambda _: None,
    "silent": lambda _: b"",
    "echoed": lambda key: error_response(401, f"The key {key} is not signed with {APP_CERTIFICATE}."),
    "echoed twice in a row": lambda key: error_response(401, f"{key}{key}"),
    "echoed as HTML": lambda key: http_response(400, f"<b>{key}</b><b>{APP_CERTIFICATE}</b>".encode()),
    "echoed by a proxy": lambda key: http_response(502, f'{{"channelkey": "{key}"}}'.encode()),
    "echoed in a redirect": lambda key: http_response(307, f"channelkey={key}".encode(), Location=f"/?{key}"),
    "echoed in a success": lambda key: http_response(
        200, json.dumps({"data": {"cname": CNAME, "channelkey": key}}).encode()
    ),
    "echoed in a success without a channel": lambda key: http_response(
        200, f'{{"message": "{key}"}}'.encode()
    ),
    "echoed in an error within a success": lambda key: http_response(
        200, json.dumps({"error": {"code": 401, "message": f"{key} {APP_CERTIFICATE}"}}).encode()
    ),
    "echoed and truncated at the end of the key": lambda key: truncated_response(401, f"The key {key[:-1]}"),
    "echoed and truncated early in the key": lambda key: truncated_response(401, f"The key {key[:20]}"),
    "echoed and truncated in the certificate": lambda _: truncated_response(
        401, f"Not {APP_CERTIFICATE[:-1]}"
    ),
    "echoed after the message limit": lambda key: http_response(400, f"{'The key':2000}{key}".encode()),
    "echoed across the message limit": lambda key: http_response(
        400, f"{'The key':1900}{key}".encode() + b" " * MAX_BODY_BYTES
    ),
    "echoed across the size limit": lambda key: http_response(
        400, f"{'The key':{MAX_BODY_BYTES - 90}}{key}".encode()
    ),
}


def visible_text(error: BaseException) -> Iterator[str]:
    """Yield everything that a log could show of an exception, including local variables."""
    yield from (str(error), repr(error), repr(vars(error)))
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The first frame is the test itself, which holds the server and thus the received requests.
    assert shown.stack.pop(0).filename == __file__
    yield "".join(shown.format())
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield from (str(cause), repr(cause))


def pieces(server: RawServer) -> Iterator[str]:
    """Yield every piece of the secrets: the certificate, and the signatures of the received keys."""
    signatures = [request.json()["channelkey"][3:43] for request in server.received]
    for secret in (APP_CERTIFICATE, *signatures):
        for start in range(len(secret) - SHORTEST_PIECE + 1):
            yield secret[start : start + SHORTEST_PIECE]


@pytest.mark.parametrize("name", CHANNEL_CALLS)
@pytest.mark.parametrize("how", RESPONSES)
def test_no_secret_is_exposed(name: str, how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []

    servers: list[RawServer] = []

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        response = RESPONSES[how](servers[0].received[number].json()["channelkey"])
        if response is None:
            writer.transport.abort()
        else:
            writer.write(response)
            await writer.drain()
        if how == "silent":
            await asyncio.sleep(60)

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        async with raw_server(behave) as server:
            servers.append(server)
            settings = channel_account(server.push_stream_url)
            seconds = 0.4 if how == "silent" else 5  # enough for a busy machine to send the request
            client = PushStreamClient(settings, timeouts=Timeouts(total_seconds=seconds))
            texts.extend((repr(settings), str(settings), settings.model_dump_json()))
            texts.extend((repr(client), repr(client.transport)))
            async with client:
                try:
                    texts.append(repr(await CHANNEL_CALLS[name](client)))
                except AgoraError as error:
                    texts.extend(visible_text(error))

    asyncio.run(main())
    texts.extend(record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records)
    assert servers[0].received
    assert len(texts) > 5
    assert [text for piece in pieces(servers[0]) for text in texts if piece in text] == []
