"""Read a response body up to the size limit, decompress it, and describe any fault."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import aiohttp

from agora.client.mask_secrets import mask_secrets
from agora.client.response import Response

MAX_BODY_BYTES = 1 << 15  # a day of points is about 4 kB, or 14 kB in the most verbose JSON
PARTIAL_CONTENT = 206


async def received(
    response: aiohttp.ClientResponse, secrets: tuple[str, ...] = ()
) -> tuple[Response, Exception | None]:
    """Read a response body, or the part of it that arrives.

    Args:
        response: The response, whose status and headers have arrived.
        secrets: Secrets that the response may contain but messages must not.

    Returns:
        The response, and the network error that cut off the body, if any. After an error, the body is
        incomplete.
    """
    body = bytearray()
    broken_off: Exception | None = None
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break  # exiting the response's context closes its connection
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        broken_off = error
    readable, fault = _readable(response, bytes(body), broken_off)
    server_date = http_date(response.headers.get("Date", ""))
    fault = fault and mask_secrets(secrets, fault)
    answer = Response(response.status, readable, datetime.now(UTC), fault, secrets, server_date=server_date)
    return answer, broken_off


@lru_cache(1)  # responses of the same second have the same date
def http_date(text: str) -> datetime | None:
    """Parse a date from an HTTP header, and return None if the text is not a date.

    Args:
        text: Header value, such as `Sun, 29 Nov 2026 12:00:00 GMT`. A date without a time zone is in UTC.
    """
    try:
        date = parsedate_to_datetime(text.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: years outside Python's range
        return None


def _readable(
    response: aiohttp.ClientResponse, body: bytes, broken_off: Exception | None
) -> tuple[bytes, str]:
    """Return the decompressed body and a description of its fault, or an empty description if it is sound."""
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
