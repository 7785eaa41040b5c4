"""What every control call is made of: its route, and JSON that comes in and goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

CONTROL_PATH = "/_sandbox"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def get(path: str, handler: Handler) -> web.RouteDef:
    """Routes GET, and not HEAD with it."""
    return web.get(path, handler, allow_head=False)


def answer_json(thing: Any) -> web.Response:
    """Answers 200."""
    return web.Response(body=orjson.dumps(thing), content_type="application/json")


async def read_json(request: web.Request) -> Any:
    """Reads a body.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as problem:
        raise ValueError("The body is not JSON.") from problem


async def read_object(request: web.Request, names: set[str]) -> dict[str, Any]:
    """Reads a body that is an object of just these names.

    Raises:
        ValueError: It is something else.
    """
    given = await read_json(request)
    if not isinstance(given, dict) or set(given) != names:
        raise ValueError(f"The body is an object with {' and '.join(sorted(names))}.")
    return given
