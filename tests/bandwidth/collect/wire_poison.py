"""Answers that are bad on the wire: what a server does, and what must become of the app-day it does it to."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agora.client.body import MAX_BODY_BYTES
from tests.client.raw_server import answer

Serve = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Writes an answer to a request whose sound answer has this body."""

BOMB_BYTES = 30 << 20
KEPT_OF_CUT = 1000


@dataclass(frozen=True)
class Poison:
    """What a server does, and what must be kept of it.

    Attributes:
        serve: Answers a request, given the sound body.
        reason: Part of the ledger's reason.
        state: The app-day's state afterwards.
        http_status: As the ledger keeps it; None where there was no answer.
        raw: The bytes that must be kept, given the sound body; None where none may be.
    """

    serve: Serve
    reason: str
    state: str = "rejected"
    http_status: int | None = 200
    raw: Callable[[bytes], bytes] | None = lambda sound: sound


def whole(make: Callable[[bytes], bytes]) -> Serve:
    """Send what is made of the sound body, and close."""

    async def serve(writer: asyncio.StreamWriter, sound: bytes) -> None:
        writer.write(make(sound))
        await writer.drain()

    return serve


def bomb(_sound: bytes = b"") -> bytes:
    packer = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(bytes(BOMB_BYTES)) + packer.flush()


def endless(*, chunked: bool) -> Serve:
    """Send blanks until the client hangs up."""

    async def serve(writer: asyncio.StreamWriter, _sound: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"Transfer-Encoding: chunked\r\n" * chunked + b"\r\n")
        block = b" " * 65536
        while True:
            writer.write(b"10000\r\n" + block + b"\r\n" if chunked else block)
            await writer.drain()

    return serve


async def drip(writer: asyncio.StreamWriter, sound: bytes) -> None:
    """Send the sound body's beginning, then the length of what follows, zero by zero."""
    writer.write(in_chunks(sound[:KEPT_OF_CUT]))
    while True:
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"0")


async def half_close(writer: asyncio.StreamWriter, sound: bytes) -> None:
    """Send the beginning, end this direction only, and go on listening."""
    writer.write(answer(200, sound)[: -len(sound) + KEPT_OF_CUT])
    writer.write_eof()
    await asyncio.sleep(60)


def in_chunks(body: bytes) -> bytes:
    """Return an answer of one chunk, without the empty one that would end it."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n"


ERROR = b'{"code": 300, "message": "10 qps limit error", "data": null}'
HTML = b"<!DOCTYPE html><title>Welcome to the hotel's network</title>"
TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES} bytes"
CUT = f"the body was cut off after {KEPT_OF_CUT} bytes: "

WIRE_POISON = {
    "gzip bomb": Poison(
        whole(lambda _: answer(200, bomb(), Content_Encoding="gzip")),
        TOO_LARGE + " when decompressed",
        raw=bomb,
    ),
    "endless body": Poison(endless(chunked=False), TOO_LARGE, raw=lambda _: b" " * MAX_BODY_BYTES),
    "endless chunks": Poison(endless(chunked=True), TOO_LARGE, raw=lambda _: b" " * MAX_BODY_BYTES),
    "slow drip": Poison(
        drip, CUT + "the response was not complete within", "failed", raw=lambda s: s[:KEPT_OF_CUT]
    ),
    "half-closed socket": Poison(half_close, CUT, "failed", raw=lambda s: s[:KEPT_OF_CUT]),
    "shorter than its Content-Length": Poison(
        whole(lambda s: answer(200, s)[: -len(s) + KEPT_OF_CUT]), CUT, "failed", raw=lambda s: s[:KEPT_OF_CUT]
    ),
    "one byte shorter than its Content-Length": Poison(
        whole(lambda s: answer(200, s)[:-1]), "the body was cut off after", "failed", raw=lambda s: s[:-1]
    ),
    "sound, but shorter than its Content-Length": Poison(
        whole(lambda s: answer(200, s, Content_Length=str(len(s) + 1))),
        "the body was cut off after",
        "failed",
    ),
    "chunks cut off": Poison(
        whole(lambda s: in_chunks(s)[: -len(s) - 2 + KEPT_OF_CUT]),
        CUT,
        "failed",
        raw=lambda s: s[:KEPT_OF_CUT],
    ),
    "chunks without the last": Poison(whole(in_chunks), "the body was cut off after", "failed"),
    "said to be gzip": Poison(
        whole(lambda s: answer(200, s, Content_Encoding="gzip")), "the compressed body cannot be read"
    ),
    "gzip cut off": Poison(
        whole(lambda s: answer(200, gzip.compress(s, mtime=0)[:-9], Content_Encoding="gzip")),
        "the compressed body is truncated",
        raw=lambda s: gzip.compress(s, mtime=0)[:-9],
    ),
    "gzip and not said so": Poison(
        whole(lambda s: answer(200, gzip.compress(s, mtime=0))),
        "not JSON",
        raw=lambda s: gzip.compress(s, mtime=0),
    ),
    "an encoding not asked for": Poison(
        whole(lambda s: answer(200, s, Content_Encoding="br")), "the body is encoded as 'br'"
    ),
    "UTF-16, as its header says": Poison(
        whole(
            lambda s: answer(
                200, s.decode().encode("utf-16"), Content_Type="application/json; charset=utf-16"
            )
        ),
        "not JSON",
        raw=lambda s: s.decode().encode("utf-16"),
    ),
    "Latin-1, as its header says": Poison(
        whole(
            lambda s: answer(
                200, s.replace(b"kbps", b"kb\xfcs"), Content_Type="application/json; charset=latin-1"
            )
        ),
        "not JSON",
        raw=lambda s: s.replace(b"kbps", b"kb\xfcs"),
    ),
    "204": Poison(whole(lambda _: answer(204)), "not JSON", http_status=204, raw=lambda _: b""),
    "206 with a sound body": Poison(
        whole(lambda s: answer(206, s, Content_Range=f"bytes 0-{len(s) - 1}/{len(s)}")),
        "the body is partial content, which was not requested",
        http_status=206,
    ),
    "a redirect with a sound body": Poison(
        whole(lambda s: answer(302, s, Location="https://127.0.0.1:1/")),
        "HTTP 302 from the vendor: ",
        "failed",
        http_status=302,
    ),
    "an error in a 200": Poison(
        whole(lambda _: answer(200, ERROR)), "unknown field `code`", raw=lambda _: ERROR
    ),
    "a page in a 200": Poison(
        whole(lambda _: answer(200, HTML, Content_Type="text/html")), "not JSON", raw=lambda _: HTML
    ),
    "an empty 200": Poison(whole(lambda _: answer(200)), "not JSON", raw=lambda _: b""),
    "no HTTP": Poison(
        whole(lambda s: b"SSH-2.0-OpenSSH_9.6\r\n" + s),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
    "headers without end": Poison(
        whole(lambda s: b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n" + s),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
    "two Content-Lengths": Poison(
        whole(lambda s: answer(200, s, Content_length=str(len(s) - 1))),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
}
