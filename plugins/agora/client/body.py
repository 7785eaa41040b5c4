"""Read the body of one response within the size cap, decompress it, and describe its faults."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from agora.client.mask_secrets import mask_secrets
from agora.client.response import Response

MAX_BODY_BYTES = 1 << 15  # a day of points is about 4 kB, 14 kB if spelled as widely as JSON allows
PARTIAL_CONTENT = 206


async def received(
    response: aiohttp.ClientResponse, secrets: tuple[str, ...] = ()
) -> tuple[Response, Exception | None]:
    """Read the body, or the part of it that arrives.

    Args:
        response: The response, whose status and headers have arrived.
        secrets: Texts that the response may contain and messages must not.

    Returns:
        The response, and the network error if the body was cut off. In this case the body is incomplete.
    """
    body = bytearray()
    broken_off: Exception | None = None
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break  # leaving the response closes its connection
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        broken_off = error
    readable, fault = _readable(response, bytes(body), broken_off)
    server_date = http_date(response.headers.get("Date", ""))
    fault = mask_secrets(secrets, fault)
    answer = Response(response.status, readable, datetime.now(UTC), fault, secrets, server_date=server_date)
    return answer, broken_off


def http_date(text: str) -> datetime | None:
    """Return the date of an HTTP header, None if the text is not a date.

    Args:
        text: For example `Sun, 29 Nov 2026 12:00:00 GMT`. A date without a time zone is in UTC.
    """
    try:
        date = parsedate_to_datetime(text.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: years outside of Python's range
        return None


def _readable(
    response: aiohttp.ClientResponse, body: bytes, broken_off: Exception | None
) -> tuple[bytes, str]:
    """Return the decompressed body and a description of its fault, if any."""
    if len(body) > MAX_BODY_BYTES:
        return body[:MAX_BODY_BYTES], f"the body is larger than {MAX_BODY_BYTES} bytes"
    if broken_off is not None:
        return body, f"the body was cut off after {len(body)} bytes"
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "deflate"):
        body, fault = _decompressed(body)
    elif encoding in ("identity", ""):
        fault = ""
    else:
        fault = f"the body is encoded as {encoding[:40]!r}, which was not requested"
    if not fault and response.status == PARTIAL_CONTENT:
        fault = "the body is partial content, which was not requested"
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
        return body, "the compressed body is followed by other data"
    return readable, ""
