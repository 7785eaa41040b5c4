"""Requests to the vendor's endpoints: JSON bodies, and values that handlers store for the middleware."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, NoReturn

from aiohttp import web

# The usage date of a bandwidth request, for counts and clock faults.
USAGE_DATE = web.RequestKey("usage_date", date)
# The App ID of a valid Channel Key, for clock faults.
APP_ID = web.RequestKey("app_id", str)


class BodyError(ValueError):
    """A body is malformed. The message gives the reason."""


async def read_body(request: web.Request) -> bytes:
    """Read the whole body.

    Raises:
        BodyError: The body is too large, incomplete, or not encoded as its headers declare.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as problem:
        raise BodyError("The body is too large.") from problem
    except (web.RequestPayloadError, ConnectionError) as problem:
        raise BodyError("The body does not match its headers.") from problem


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object in UTF-8.

    Raises:
        BodyError: The body is not a JSON object, or has a duplicate key. The standard library would keep only
            the last value of a duplicate key.
    """
    try:
        decoded = json.loads(body.decode(), object_pairs_hook=_distinct_keys, parse_constant=_refuse_constant)
    except BodyError:
        raise
    # The decoder itself rejects integers with thousands of digits and thousands of nested arrays.
    except (ValueError, RecursionError) as problem:
        raise BodyError("The body is not JSON.") from problem
    if not isinstance(decoded, dict):
        raise BodyError("The body is not a JSON object.")
    return decoded


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    distinct = dict(pairs)
    if len(distinct) < len(pairs):
        raise BodyError("The body has a duplicate key.")
    return distinct


def _refuse_constant(constant: str) -> NoReturn:
    raise BodyError(f"The body is not JSON: {constant} is not a JSON value.")
