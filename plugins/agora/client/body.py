"""Reads the body of one answer: never more than the cap, compressed or not, and what is wrong with it."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from agora.client.mask_secrets import without
from agora.client.response import Response

MAX_BODY_BYTES = 1 << 15  # a day of points is about 4 kB, 14 kB if spelled as widely as JSON allows
PARTIAL_CONTENT = 206


async def received(
    response: aiohttp.ClientResponse, secrets: tuple[str, ...] = ()
) -> tuple[Response, Exception | None]:
    """Read the body, or as much of it as comes.

    Args:
        response: Its status and headers have come.
        secrets: What the answer may repeat, and no message of ours.

    Returns:
        The answer, and what the network did if that broke it off; its body then ends where it broke off.
    """
    body = bytearray()
    broken_off: Exception | None = None
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break  # and leaving the response closes a connection that is not at its end
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        broken_off = error
    readable, fault = _readable(response, bytes(body), broken_off)
    server_date = http_date(response.headers.get("Date", ""))
    fault = without(secrets, fault)
    answer = Response(response.status, readable, datetime.now(UTC), fault, secrets, server_date=server_date)
    return answer, broken_off


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers spell it; None if the text is not one.

    Args:
        text: Such as `Sun, 29 Nov 2026 12:00:00 GMT`. A date without a zone is in UTC.
    """
    try:
        date = parsedate_to_datetime(text.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for years of many digits, or at either end of time
        return None


def _readable(
    response: aiohttp.ClientResponse, body: bytes, broken_off: Exception | None
) -> tuple[bytes, str]:
    """Undo a content encoding; say what is wrong with the body, if anything."""
    if len(body) > MAX_BODY_BYTES:
        return body[:MAX_BODY_BYTES], f"the body is larger than {MAX_BODY_BYTES} bytes"
    if broken_off is not None:
        return body, f"the body broke off after {len(body)} bytes"
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "deflate"):
        body, fault = _decompressed(body)
    elif encoding in ("identity", ""):
        fault = ""
    else:
        fault = f"the body is encoded as {encoding[:40]!r}, which was not asked for"
    if not fault and response.status == PARTIAL_CONTENT:
        fault = "the body is a part of one, which was not asked for"
    return body, fault


def _decompressed(body: bytes) -> tuple[bytes, str]:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        readable = reader.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        return body, f"the compressed body cannot be read ({error})"
    if reader.unconsumed_tail:
        return body, f"the body is larger than {MAX_BODY_BYTES} bytes when decompressed"
    if not reader.eof:
        return body, "the compressed body is truncated"
    if reader.unused_data:
        return body, "the compressed body is followed by something else"
    return readable, ""
