"""No exception, repr or log record shows the Customer Certificate or its Base64 form."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from collections.abc import Iterator

import pytest

from agora.client.dashboard import DashboardClient
from agora.client.request import Timeouts
from agora.errors import VendorError
from tests.client.push_stream_requests import CERTIFICATE, DAY, account
from tests.client.raw_server import EMPTY_DAY, Behaviour, http_response, raw_server, respond_with

pytestmark = pytest.mark.usefixtures("short_give_up")

SECRETS = (
    CERTIFICATE,
    base64.b64encode(f"customer:{CERTIFICATE}".encode()).decode(),
    base64.b64encode(CERTIFICATE.encode()).decode().rstrip("="),
)


async def gibberish(writer: asyncio.StreamWriter, _number: int) -> None:
    """Send a response that violates HTTP, as a broken proxy may."""
    writer.write(b"HTTP/1.1 999999 \x00\r\nbroken\r\n\r\n")
    await writer.drain()


async def silent(_writer: asyncio.StreamWriter, _number: int) -> None:
    await asyncio.sleep(60)


async def reset(writer: asyncio.StreamWriter, _number: int) -> None:
    writer.transport.abort()


ECHO = f'{{"message": "Authorization: Basic {SECRETS[1]} is not {CERTIFICATE}"}}'.encode()
BEHAVIOURS: dict[str, Behaviour] = {
    "echoed": respond_with(http_response(403, ECHO)),
    "accepted": respond_with(http_response(200, EMPTY_DAY)),
    "refused": respond_with(http_response(401, b'{"message": "no"}')),
    "unknown": respond_with(http_response(404)),
    "throttled": respond_with(http_response(429)),
    "echoed and throttled": respond_with(http_response(429, ECHO)),
    "broken": respond_with(http_response(500)),
    "redirected": respond_with(http_response(302, b"", Location="https://example.invalid/")),
    "truncated": respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
    "not HTTP": gibberish,
    "silent": silent,
    "reset": reset,
}


def visible_text(error: BaseException) -> Iterator[str]:
    """Yield everything that a log could show of an exception, including local variables."""
    yield from (str(error), repr(error), repr(vars(error)))
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The first frame is the test itself, which holds the server and thus the received requests.
    assert shown.stack.pop(0).filename == __file__
    yield "".join(shown.format())
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield from (str(cause), repr(cause))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_secret_is_exposed(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        async with raw_server(BEHAVIOURS[name]) as server:
            settings = account(server.base_url)
            client = DashboardClient(settings, timeouts=Timeouts(total_seconds=0.2))
            texts.extend((repr(settings), str(settings), settings.model_dump_json()))
            texts.extend((repr(client), repr(client.transport)))
            async with client:
                try:
                    texts.append(repr(await client.bandwidth("a1", DAY)))
                except VendorError as error:
                    texts.extend(visible_text(error))

    asyncio.run(main())
    texts.extend(record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records)
    assert len(texts) > 5
    assert [text for text in texts for secret in SECRETS if secret in text] == []
