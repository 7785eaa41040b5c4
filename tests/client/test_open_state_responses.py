"""Answers to the open state's calls: what is read of them, and what is asked again where one is lost."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from agora.client.body import MAX_BODY_BYTES
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import OutcomeUnknown, UnexpectedResponse, VendorError
from tests.client.lost_responses import LOSSES, SOUND, lost_then
from tests.client.push_stream_requests import OPEN_STATE_CALLS, account, opened
from tests.client.raw_server import Behaviour, RawServer, answer, answers, raw_server

EITHER_CALL = pytest.mark.parametrize("name", OPEN_STATE_CALLS)
ENABLED = answer(200, b'{"enable": true}')


def exchange(
    name: str, behave: Behaviour, timeouts: Timeouts = TIMEOUTS
) -> tuple[bool | VendorError, RawServer]:
    """Return what a call returns or raises, and the server that it asked."""

    async def main() -> tuple[bool | VendorError, RawServer]:
        async with raw_server(behave) as server:
            try:
                call = OPEN_STATE_CALLS[name]
                return await opened(account(server.base_url), call, timeouts=timeouts), server
            except VendorError as error:
                return error, server

    return asyncio.run(main())


@EITHER_CALL
@pytest.mark.parametrize(
    ("told", "enabled"),
    [
        (answer(200, b'{\n  "enable": true\n}\n'), True),
        (answer(200, b'{"enable": false, "app_id": "a1"}'), False),
        (answer(200, gzip.compress(b'{"enable": true}'), Content_Encoding="gzip"), True),
        (answer(200, b'{"enable": true}' + b" " * (MAX_BODY_BYTES - 16)), True),
    ],
    ids=["spread", "more", "compressed", "of exactly the cap"],
)
def test_an_answer_is_read(name: str, told: bytes, enabled: bool) -> None:
    assert exchange(name, answers(told))[0] is enabled


@EITHER_CALL
@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(200), "no message"),
        (answer(204), "no message"),
        (answer(200, b"<html></html>"), "<html></html>"),
        (answer(200, b"true"), "true"),
        (answer(200, b"[true]"), "[true]"),
        (answer(200, b"{}"), "{}"),
        (answer(200, b'{"enable": "true"}'), '{"enable": "true"}'),
        (answer(200, b'{"enable": 1}'), '{"enable": 1}'),
        (answer(200, b'{"enable": null}'), '{"enable": null}'),
        (answer(200, b'{"enabled": true}'), '{"enabled": true}'),
        (answer(200, b'{"data": {"enable": true}}'), '{"data": {"enable": true}}'),
        (answer(200, b'{"enable": tru'), '{"enable": tru'),
        (answer(200, b'{"enable": true}}'), '{"enable": true}}'),
        (answer(200, b'{"error": {"code": 404, "message": "no app"}}'), "no app"),
        (answer(200, b"[" * 5000), "[["),
        (answer(200, b"\xff\x00"), "�"),
        (answer(206, b'{"enable": true}'), "the body is partial content"),
        (answer(200, b'{"enable": true}' + b" " * MAX_BODY_BYTES), "the body is larger than 32768 bytes"),
        (answer(200, b"{}", Content_Encoding="gzip"), "the compressed body cannot be read"),
        (answer(200, b"{}", Content_Encoding="zstd"), "the body is encoded as 'zstd'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_says_neither_is_neither(name: str, told: bytes, words: str) -> None:
    error, server = exchange(name, answers(told))
    assert type(error) is UnexpectedResponse
    assert f", but the body has no open state: {words}" in str(error)
    assert "Query again. If the error persists, contact the vendor" in str(error)
    assert str(error).startswith("App a1, push-stream open state, connection some_account: HTTP 20")
    assert len(server.received) == 1


@pytest.mark.parametrize("how", LOSSES)
def test_an_application_whose_answer_is_lost_is_one_request_and_its_outcome_unknown(how: str) -> None:
    loss = LOSSES[how]
    error, server = exchange("apply", lost_then(loss.behave, 1, SOUND), loss.timeouts)
    assert len(server.received) == 1
    assert type(error) is OutcomeUnknown
    assert loss.said in str(error)
    assert "The application may have taken effect, so it is not sent again automatically" in str(error)


@pytest.mark.parametrize("how", LOSSES)
def test_a_query_whose_answer_is_lost_is_asked_again(how: str) -> None:
    loss = LOSSES[how]
    enabled, server = exchange("query", lost_then(loss.behave, 2, SOUND), loss.timeouts)
    assert enabled is True
    assert len(server.received) == 3


@EITHER_CALL
def test_what_was_turned_away_is_asked_again(name: str) -> None:
    enabled, server = exchange(name, answers(answer(429), answer(429), ENABLED))
    assert enabled is True
    assert len(server.received) == 3
    assert {received.body for received in server.received} == {b"{}" if name == "apply" else b""}
