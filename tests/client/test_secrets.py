"""The Customer Certificate and its Base64 form stand in no exception, repr or log record."""

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
from tests.client.raw_server import EMPTY_DAY, Behaviour, answer, answers, raw_server

pytestmark = pytest.mark.usefixtures("quickly_given_up")

SECRETS = (
    CERTIFICATE,
    base64.b64encode(f"customer:{CERTIFICATE}".encode()).decode(),
    base64.b64encode(CERTIFICATE.encode()).decode().rstrip("="),
)


async def gibberish(writer: asyncio.StreamWriter, _number: int) -> None:
    """Answer in a way that breaks HTTP, as a broken proxy may."""
    writer.write(b"HTTP/1.1 999999 \x00\r\nbroken\r\n\r\n")
    await writer.drain()


async def silent(_writer: asyncio.StreamWriter, _number: int) -> None:
    await asyncio.sleep(60)


async def reset(writer: asyncio.StreamWriter, _number: int) -> None:
    writer.transport.abort()


REPEATED = f'{{"message": "Authorization: Basic {SECRETS[1]} is not {CERTIFICATE}"}}'.encode()
BEHAVIOURS: dict[str, Behaviour] = {
    "repeated": answers(answer(403, REPEATED)),
    "fine": answers(answer(200, EMPTY_DAY)),
    "refused": answers(answer(401, b'{"message": "no"}')),
    "unknown": answers(answer(404)),
    "limited": answers(answer(429)),
    "repeated and limited": answers(answer(429, REPEATED)),
    "broken": answers(answer(500)),
    "redirected": answers(answer(302, b"", Location="https://example.invalid/")),
    "cut": answers(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
    "no HTTP": gibberish,
    "silent": silent,
    "reset": reset,
}


def everything_said(error: BaseException) -> Iterator[str]:
    """Yield what a log could show of an exception, local variables included."""
    yield from (str(error), repr(error), repr(vars(error)))
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The first frame is the test's own, which holds the server and so what it received.
    assert shown.stack.pop(0).filename == __file__
    yield "".join(shown.format())
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield from (str(cause), repr(cause))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_secret_is_said(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        async with raw_server(BEHAVIOURS[name]) as server:
            settings = account(server.base_url)
            client = DashboardClient(settings, timeouts=Timeouts(total_seconds=0.2))
            said.extend((repr(settings), str(settings), settings.model_dump_json()))
            said.extend((repr(client), repr(client.transport)))
            async with client:
                try:
                    said.append(repr(await client.bandwidth("a1", DAY)))
                except VendorError as error:
                    said.extend(everything_said(error))

    asyncio.run(main())
    said.extend(record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records)
    assert len(said) > 5
    assert [text for text in said for secret in SECRETS if secret in text] == []
