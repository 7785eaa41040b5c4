"""The ways in which an answer is lost after its request has arrived."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import NamedTuple

from agora.client.request import TIMEOUTS, Timeouts
from tests.client.raw_server import Behaviour, answer, answers

LATE = Timeouts(total_seconds=0.3)
SILENT = Timeouts(silence_seconds=0.3)


class Loss(NamedTuple):
    """What becomes of an answer, what is said about it, and how long it is waited for."""

    behave: Behaviour
    said: str
    timeouts: Timeouts = TIMEOUTS


async def reset(writer: asyncio.StreamWriter, _number: int) -> None:
    """Close with RST, not FIN."""
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def silence(_writer: asyncio.StreamWriter, _number: int) -> None:
    await asyncio.sleep(60)


def beginning(text: bytes, *, then: Behaviour | None = None) -> Behaviour:
    """Send this and no more; then close, or do what else comes then."""

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(text)
        await writer.drain()
        if then:
            await then(writer, number)

    return behave


SOUND = answer(200, b'{"enable": true, "data": {"cname": "lobby", "uids": [], "urls": []}}')
HEAD = SOUND[: SOUND.index(b"{")]
CUT = SOUND[:-1]
CUT_AT = f"the body was cut off after {len(CUT) - len(HEAD)} bytes: "
LOSSES = {
    "closed": Loss(beginning(b""), "the server closed the connection"),
    "reset": Loss(reset, "the server closed the connection"),
    "cut in the head": Loss(beginning(SOUND[:20]), "the server closed the connection"),
    "reset in the head": Loss(beginning(SOUND[:20], then=reset), "the server closed the connection"),
    "cut after the head": Loss(
        beginning(HEAD), "the body was cut off after 0 bytes: the connection was closed"
    ),
    "cut in the body": Loss(beginning(CUT), f"{CUT_AT}the connection was closed"),
    "reset in the body": Loss(beginning(CUT, then=reset), "bytes: the connection was closed"),
    "no HTTP": Loss(beginning(b"gibberish\r\n\r\n"), "the response is not HTTP"),
    "silent": Loss(silence, "no data for 0.3 s", SILENT),
    "silent in the body": Loss(beginning(CUT, then=silence), f"{CUT_AT}no data for 0.3 s", SILENT),
    "late": Loss(silence, "the response was not complete within 0.3 s", LATE),
    "a 500": Loss(beginning(answer(500)), "HTTP 500 from the vendor: no message"),
    "a 503 with Retry-After": Loss(beginning(answer(503, Retry_After="0")), "HTTP 503"),
    "a 500 that is cut": Loss(beginning(answer(500, b"sorry")[:-2]), "HTTP 500 from the vendor: sor"),
}


def lost_then(behave: Behaviour, losses: int, *arriving: bytes) -> Behaviour:
    """Lose the first answers; those that follow arrive."""
    then = answers(*arriving)

    async def lose(writer: asyncio.StreamWriter, number: int) -> None:
        await (behave(writer, number) if number < losses else then(writer, number - losses))

    return lose
