"""Responses that imitate the vendor, and their delivery: complete, late, truncated or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from aiohttp import hdrs, web

BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Customer ID and Customer Certificate"'}


@dataclass(frozen=True)
class ApiResponse:
    """A response before it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


# Renders an error in the format of one of the APIs, from its status, message and headers.
RenderError = Callable[[int, str, dict[str, str] | None], ApiResponse]


def dashboard_error(status: int, message: str, headers: dict[str, str] | None = None) -> ApiResponse:
    """Render an error in the format of the Dashboard API."""
    return ApiResponse(status, orjson.dumps({"message": message}), headers or {})


@dataclass(frozen=True)
class Delivery:
    """How a response is sent.

    Attributes:
        delay_seconds: The delay before the response.
        bytes_sent: The number of body bytes to send before the connection is closed. None sends all bytes.
        disconnects: Whether the connection is closed without a response.
    """

    delay_seconds: float = 0
    bytes_sent: int | None = None
    disconnects: bool = False


class NoResponse(web.Response):
    """A placeholder for the response to a request whose connection was closed."""


def send(response: ApiResponse) -> web.Response:
    """Send a complete response."""
    headers = {**response.headers, hdrs.CONTENT_TYPE: response.content_type}
    return web.Response(status=response.status, body=response.body, headers=headers)


async def deliver(request: web.Request, response: ApiResponse, delivery: Delivery) -> web.StreamResponse:
    """Send a response late, truncated or not at all. The request has already taken effect."""
    await asyncio.sleep(delivery.delay_seconds)
    if delivery.disconnects:
        if request.transport is not None:
            request.transport.abort()
        return NoResponse()
    if delivery.bytes_sent is None:
        return send(response)
    return await _send_beginning(request, response, delivery.bytes_sent)


async def _send_beginning(request: web.Request, response: ApiResponse, size: int) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_type = response.content_type
    stream.content_length = len(response.body)
    await stream.prepare(request)
    # At least one byte is withheld, so that the body is always incomplete.
    await stream.write(response.body[: max(0, min(size, len(response.body) - 1))])
    if request.transport is not None:
        request.transport.close()
    return stream
