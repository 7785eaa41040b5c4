"""The body of a call in the vendor's name, read strictly: one JSON object in UTF-8, or a sentence why not."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from aiohttp import web


class BodyError(ValueError):
    """A body is not of the form that the call takes; the sentence says why."""


async def read_body(request: web.Request) -> bytes:
    """Receives the whole body.

    Raises:
        BodyError: It is too large, ends early, or is not encoded as its headers say.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as problem:
        raise BodyError("The body is too large.") from problem
    except (web.RequestPayloadError, ConnectionError) as problem:
        raise BodyError("The body is not as its headers say.") from problem


def decode_object(body: bytes) -> dict[str, Any]:
    """Decodes a JSON object.

    Raises:
        BodyError: It is none, or says a name twice, of which the standard library would keep the last.
    """
    try:
        decoded = json.loads(
            body.decode(), object_pairs_hook=_object_of_distinct_names, parse_constant=_refuse_constant
        )
    except BodyError:
        raise
    # Whole numbers of thousands of digits and arrays within thousands of arrays are refused by the decoder.
    except (ValueError, RecursionError) as problem:
        raise BodyError("The body is not JSON.") from problem
    if not isinstance(decoded, dict):
        raise BodyError("The body is not a JSON object.")
    return decoded


def _object_of_distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise BodyError("The body says a name twice.")
    return named


def _refuse_constant(constant: str) -> NoReturn:
    raise BodyError(f"The body is not JSON: it has no {constant}.")
