"""Ways in which a response is lost after its request has arrived."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import NamedTuple

from agora.client.request import TIMEOUTS, Timeouts
from tests.client.raw_server import Behaviour, http_response, respond_with

LATE = Timeouts(total_seconds=0.3)
SILENT = Timeouts(silence_seconds=0.3)


class Loss(NamedTuple):
    """A way to lose a response, the part of the error that describes it, and the client's time-outs."""

    behave: Behaviour
    error_text: str
    timeouts: Timeouts = TIMEOUTS


async def reset(writer: asyncio.StreamWriter, _number: int) -> None:
    """Close the connection with RST instead of FIN."""
    no_linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()


async def silence(_writer: asyncio.StreamWriter, _number: int) -> None:
    await asyncio.sleep(60)


def send_only(text: bytes, *, then: Behaviour | None = None) -> Behaviour:
    """Send only `text`, then close the connection or continue with `then`."""

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(text)
        await writer.drain()
        if then:
            await then(writer, number)

    return behave


SUCCESS = http_response(200, b'{"enable": true, "data": {"cname": "lobby", "uids": [], "urls": []}}')
HEAD = SUCCESS[: SUCCESS.index(b"{")]
CUT = SUCCESS[:-1]
CUT_AT = f"the body was cut off after {len(CUT) - len(HEAD)} bytes: "
LOSSES = {
    "closed": Loss(send_only(b""), "the server closed the connection"),
    "reset": Loss(reset, "the server closed the connection"),
    "cut in the head": Loss(send_only(SUCCESS[:20]), "the server closed the connection"),
    "reset in the head": Loss(send_only(SUCCESS[:20], then=reset), "the server closed the connection"),
    "cut after the head": Loss(
        send_only(HEAD), "the body was cut off after 0 bytes: the connection was closed"
    ),
    "cut in the body": Loss(send_only(CUT), f"{CUT_AT}the connection was closed"),
    "reset in the body": Loss(send_only(CUT, then=reset), "bytes: the connection was closed"),
    "not HTTP": Loss(send_only(b"gibberish\r\n\r\n"), "the response is not HTTP"),
    "silent": Loss(silence, "no data for 0.3 s", SILENT),
    "silent in the body": Loss(send_only(CUT, then=silence), f"{CUT_AT}no data for 0.3 s", SILENT),
    "late": Loss(silence, "the response was not complete within 0.3 s", LATE),
    "a 500": Loss(send_only(http_response(500)), "HTTP 500 from the vendor: no message"),
    "a 503 with Retry-After": Loss(send_only(http_response(503, Retry_After="0")), "HTTP 503"),
    "a truncated 500": Loss(send_only(http_response(500, b"sorry")[:-2]), "HTTP 500 from the vendor: sor"),
}


def lost_then(behave: Behaviour, losses: int, *responses: bytes) -> Behaviour:
    """Lose the first `losses` responses, and deliver `responses` afterwards."""
    then = respond_with(*responses)

    async def lose(writer: asyncio.StreamWriter, number: int) -> None:
        await (behave(writer, number) if number < losses else then(writer, number - losses))

    return lose
