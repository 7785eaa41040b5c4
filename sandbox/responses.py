"""How an answer goes out: whole, late, cut off, or not at all."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from sandbox.answers import Answer
from sandbox.faults import FaultyCall


class HungUp(web.Response):
    """Stands for an answer that is never sent."""


def respond(answer: Answer) -> web.Response:
    """Sends an answer whole."""
    headers = {**answer.headers, hdrs.CONTENT_TYPE: answer.content_type}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def respond_with_faults(
    request: web.Request, answer: Answer, call: FaultyCall | None
) -> web.StreamResponse:
    """Sends an answer as the faults on its way let it through.

    Args:
        request: The call.
        answer: What is answered; the call has taken effect by now, whatever becomes of its answer.
        call: The faults that the call meets.
    """
    if call is None:
        return respond(answer)
    await asyncio.sleep(call.delay_seconds)
    if call.disconnects:
        return _hang_up(request)
    if call.bytes_sent is None:
        return respond(answer)
    return await _send_beginning(request, answer, call.bytes_sent)


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return HungUp()


async def _send_beginning(request: web.Request, answer: Answer, size: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    # At least one byte is held back, or the body would not be cut.
    await response.write(answer.body[: max(0, min(size, len(answer.body) - 1))])
    if request.transport is not None:
        request.transport.close()
    return response
