"""Bad HTTP responses: the behaviour of the server, and the expected state of the app-day."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agora.client.body import MAX_BODY_BYTES
from tests.client.raw_server import http_response

Serve = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Writes a response to a request; the second argument is the valid body."""

BOMB_BYTES = 30 << 20
BYTES_BEFORE_CUT = 1000


@dataclass(frozen=True)
class Poison:
    """The behaviour of a server, and the expected ledger entry and stored response.

    Attributes:
        serve: Writes the response, given the valid body.
        reason: Part of the reason in the ledger.
        state: The state of the app-day afterwards.
        http_status: The status in the ledger, or None if there was no response.
        raw: Returns the bytes that must be stored, given the valid body. None if nothing may be stored.
    """

    serve: Serve
    reason: str
    state: str = "rejected"
    http_status: int | None = 200
    raw: Callable[[bytes], bytes] | None = lambda sound: sound


def whole(make: Callable[[bytes], bytes]) -> Serve:
    """Return a server that sends a response made from the valid body, then closes the connection."""

    async def serve(writer: asyncio.StreamWriter, sound: bytes) -> None:
        writer.write(make(sound))
        await writer.drain()

    return serve


def bomb(_sound: bytes = b"") -> bytes:
    packer = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(bytes(BOMB_BYTES)) + packer.flush()


def endless(*, chunked: bool) -> Serve:
    """Return a server that sends spaces until the client closes the connection."""

    async def serve(writer: asyncio.StreamWriter, _sound: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"Transfer-Encoding: chunked\r\n" * chunked + b"\r\n")
        block = b" " * 65536
        while True:
            writer.write(b"10000\r\n" + block + b"\r\n" if chunked else block)
            await writer.drain()

    return serve


async def drip(writer: asyncio.StreamWriter, sound: bytes) -> None:
    """Send the first bytes of the valid body, then an endless chunk size, one zero at a time."""
    writer.write(in_chunks(sound[:BYTES_BEFORE_CUT]))
    while True:
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"0")


async def half_close(writer: asyncio.StreamWriter, sound: bytes) -> None:
    """Send the first bytes, close only the sending direction, and keep listening."""
    writer.write(http_response(200, sound)[: -len(sound) + BYTES_BEFORE_CUT])
    writer.write_eof()
    await asyncio.sleep(60)


def in_chunks(body: bytes) -> bytes:
    """Return a response with one chunk, without the final empty chunk."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n"


ERROR = b'{"code": 300, "message": "10 qps limit error", "data": null}'
HTML = b"<!DOCTYPE html><title>Welcome to the hotel's network</title>"
TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES} bytes"
CUT = f"the body was cut off after {BYTES_BEFORE_CUT} bytes: "

WIRE_POISON = {
    "gzip bomb": Poison(
        whole(lambda _: http_response(200, bomb(), Content_Encoding="gzip")),
        TOO_LARGE + " when decompressed",
        raw=bomb,
    ),
    "endless body": Poison(endless(chunked=False), TOO_LARGE, raw=lambda _: b" " * MAX_BODY_BYTES),
    "endless chunks": Poison(endless(chunked=True), TOO_LARGE, raw=lambda _: b" " * MAX_BODY_BYTES),
    "slow drip": Poison(
        drip, CUT + "the response was not complete within", "failed", raw=lambda s: s[:BYTES_BEFORE_CUT]
    ),
    "half-closed socket": Poison(half_close, CUT, "failed", raw=lambda s: s[:BYTES_BEFORE_CUT]),
    "shorter than its Content-Length": Poison(
        whole(lambda s: http_response(200, s)[: -len(s) + BYTES_BEFORE_CUT]),
        CUT,
        "failed",
        raw=lambda s: s[:BYTES_BEFORE_CUT],
    ),
    "one byte shorter than its Content-Length": Poison(
        whole(lambda s: http_response(200, s)[:-1]),
        "the body was cut off after",
        "failed",
        raw=lambda s: s[:-1],
    ),
    "valid, but shorter than its Content-Length": Poison(
        whole(lambda s: http_response(200, s, Content_Length=str(len(s) + 1))),
        "the body was cut off after",
        "failed",
    ),
    "truncated chunks": Poison(
        whole(lambda s: in_chunks(s)[: -len(s) - 2 + BYTES_BEFORE_CUT]),
        CUT,
        "failed",
        raw=lambda s: s[:BYTES_BEFORE_CUT],
    ),
    "chunks without the final chunk": Poison(whole(in_chunks), "the body was cut off after", "failed"),
    "declared as gzip but not compressed": Poison(
        whole(lambda s: http_response(200, s, Content_Encoding="gzip")), "the compressed body cannot be read"
    ),
    "truncated gzip": Poison(
        whole(lambda s: http_response(200, gzip.compress(s, mtime=0)[:-9], Content_Encoding="gzip")),
        "the compressed body is truncated",
        raw=lambda s: gzip.compress(s, mtime=0)[:-9],
    ),
    "gzip without Content-Encoding": Poison(
        whole(lambda s: http_response(200, gzip.compress(s, mtime=0))),
        "not JSON",
        raw=lambda s: gzip.compress(s, mtime=0),
    ),
    "an encoding that was not requested": Poison(
        whole(lambda s: http_response(200, s, Content_Encoding="br")), "the body is encoded as 'br'"
    ),
    "UTF-16, as declared in the header": Poison(
        whole(
            lambda s: http_response(
                200, s.decode().encode("utf-16"), Content_Type="application/json; charset=utf-16"
            )
        ),
        "not JSON",
        raw=lambda s: s.decode().encode("utf-16"),
    ),
    "Latin-1, as declared in the header": Poison(
        whole(
            lambda s: http_response(
                200, s.replace(b"kbps", b"kb\xfcs"), Content_Type="application/json; charset=latin-1"
            )
        ),
        "not JSON",
        raw=lambda s: s.replace(b"kbps", b"kb\xfcs"),
    ),
    "204": Poison(whole(lambda _: http_response(204)), "not JSON", http_status=204, raw=lambda _: b""),
    "206 with a valid body": Poison(
        whole(lambda s: http_response(206, s, Content_Range=f"bytes 0-{len(s) - 1}/{len(s)}")),
        "the body is partial content, which was not requested",
        http_status=206,
    ),
    "a redirect with a valid body": Poison(
        whole(lambda s: http_response(302, s, Location="https://127.0.0.1:1/")),
        "HTTP 302 from the vendor: ",
        "failed",
        http_status=302,
    ),
    "an error in a 200": Poison(
        whole(lambda _: http_response(200, ERROR)), "unknown field `code`", raw=lambda _: ERROR
    ),
    "an HTML page in a 200": Poison(
        whole(lambda _: http_response(200, HTML, Content_Type="text/html")), "not JSON", raw=lambda _: HTML
    ),
    "an empty 200": Poison(whole(lambda _: http_response(200)), "not JSON", raw=lambda _: b""),
    "data that is not HTTP": Poison(
        whole(lambda s: b"SSH-2.0-OpenSSH_9.6\r\n" + s),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
    "oversized headers": Poison(
        whole(lambda s: b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n" + s),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
    "two Content-Lengths": Poison(
        whole(lambda s: http_response(200, s, Content_length=str(len(s) - 1))),
        "the response is not HTTP",
        "failed",
        None,
        raw=None,
    ),
}
