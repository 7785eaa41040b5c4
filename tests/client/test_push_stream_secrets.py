"""App Certificate and Channel Keys stand in no exception, repr or log record, whatever the vendor repeats."""

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
from tests.client.raw_server import RawServer, answer, raw_server

pytestmark = pytest.mark.usefixtures("quickly_given_up")

SHORTEST_PIECE = 12  # of a secret: what is shorter helps nobody to guess the rest

Answering = Callable[[str], bytes | None]
"""What is answered to a request with this Channel Key; None resets the connection."""


def told(status: int, text: str) -> bytes:
    return answer(status, json.dumps({"error": {"code": status, "message": text}}).encode())


def broken_off(status: int, text: str) -> bytes:
    return answer(status, text.encode(), Content_Length=str(len(text) + 100))


ANSWERS: dict[str, Answering] = {
    "fine": lambda _: answer(200, b'{"data": {"cname": "lobby"}}'),
    "malformed": lambda _: answer(400),
    "refused": lambda _: told(401, "no"),
    "conflict": lambda _: answer(409),
    "limited": lambda _: answer(429),
    "repeated and limited": lambda key: told(429, f"{key} {APP_CERTIFICATE}"),
    "broken": lambda _: answer(500),
    "redirected": lambda _: answer(302, b"", Location="https://example.invalid/"),
    "no channel": lambda _: answer(200, b"<html>"),
    "cut": lambda _: broken_off(200, "{"),
    "no HTTP": lambda _: b"HTTP/1.1 999999 \x00\r\nbroken\r\n\r\n",
    "reset": lambda _: None,
    "silent": lambda _: b"",
    "repeated": lambda key: told(401, f"The key {key} is not signed with {APP_CERTIFICATE}."),
    "repeated with more of the key behind it": lambda key: told(401, f"{key}{key}"),
    "repeated as HTML": lambda key: answer(400, f"<b>{key}</b><b>{APP_CERTIFICATE}</b>".encode()),
    "repeated by a proxy": lambda key: answer(502, f'{{"channelkey": "{key}"}}'.encode()),
    "repeated by another host": lambda key: answer(307, f"channelkey={key}".encode(), Location=f"/?{key}"),
    "repeated in a success": lambda key: answer(
        200, json.dumps({"data": {"cname": CNAME, "channelkey": key}}).encode()
    ),
    "repeated in a success without a channel": lambda key: answer(200, f'{{"message": "{key}"}}'.encode()),
    "repeated in a failure in a success": lambda key: answer(
        200, json.dumps({"error": {"code": 401, "message": f"{key} {APP_CERTIFICATE}"}}).encode()
    ),
    "repeated and broken off in the key": lambda key: broken_off(401, f"The key {key[:-1]}"),
    "repeated and broken off early in the key": lambda key: broken_off(401, f"The key {key[:20]}"),
    "repeated and broken off in the certificate": lambda _: broken_off(401, f"Not {APP_CERTIFICATE[:-1]}"),
    "repeated where what is read of it ends": lambda key: answer(400, f"{'The key':2000}{key}".encode()),
    "repeated across where what is read of it ends": lambda key: answer(
        400, f"{'The key':1900}{key}".encode() + b" " * MAX_BODY_BYTES
    ),
    "repeated across where what is received of it ends": lambda key: answer(
        400, f"{'The key':{MAX_BODY_BYTES - 90}}{key}".encode()
    ),
}


def everything_said(error: BaseException) -> Iterator[str]:
    """Yield what a log could show of an exception, local variables included."""
    yield from (str(error), repr(error), repr(vars(error)))
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The first frame is the test's own, which holds the server and so what it received.
    assert shown.stack.pop(0).filename == __file__
    yield "".join(shown.format())
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield from (str(cause), repr(cause))


def pieces(server: RawServer) -> Iterator[str]:
    """Yield every piece of what is secret: the certificate, and the signatures of the keys that came in."""
    signatures = [request.json()["channelkey"][3:43] for request in server.received]
    for secret in (APP_CERTIFICATE, *signatures):
        for start in range(len(secret) - SHORTEST_PIECE + 1):
            yield secret[start : start + SHORTEST_PIECE]


@pytest.mark.parametrize("name", CHANNEL_CALLS)
@pytest.mark.parametrize("how", ANSWERS)
def test_no_secret_is_said(name: str, how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    servers: list[RawServer] = []

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        given = ANSWERS[how](servers[0].received[number].json()["channelkey"])
        if given is None:
            writer.transport.abort()
        else:
            writer.write(given)
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
            said.extend((repr(settings), str(settings), settings.model_dump_json()))
            said.extend((repr(client), repr(client.transport)))
            async with client:
                try:
                    said.append(repr(await CHANNEL_CALLS[name](client)))
                except AgoraError as error:
                    said.extend(everything_said(error))

    asyncio.run(main())
    said.extend(record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records)
    assert servers[0].received
    assert len(said) > 5
    assert [text for piece in pieces(servers[0]) for text in said if piece in text] == []
