"""Responses to open-state calls: decoding, and retries after a lost response."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from agora.client.body import MAX_BODY_BYTES
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import OutcomeUnknown, UnexpectedResponse, VendorError
from tests.client.lost_responses import LOSSES, SUCCESS, lost_then
from tests.client.push_stream_requests import OPEN_STATE_CALLS, account, call_open_state
from tests.client.raw_server import Behaviour, RawServer, http_response, raw_server, respond_with

EITHER_CALL = pytest.mark.parametrize("name", OPEN_STATE_CALLS)
ENABLED = http_response(200, b'{"enable": true}')


def exchange(
    name: str, behave: Behaviour, timeouts: Timeouts = TIMEOUTS
) -> tuple[bool | VendorError, RawServer]:
    """Return the result or error of a call, and the server that received it."""

    async def main() -> tuple[bool | VendorError, RawServer]:
        async with raw_server(behave) as server:
            try:
                call = OPEN_STATE_CALLS[name]
                return await call_open_state(account(server.base_url), call, timeouts=timeouts), server
            except VendorError as error:
                return error, server

    return asyncio.run(main())


@EITHER_CALL
@pytest.mark.parametrize(
    ("response", "enabled"),
    [
        (http_response(200, b'{\n  "enable": true\n}\n'), True),
        (http_response(200, b'{"enable": false, "app_id": "a1"}'), False),
        (http_response(200, gzip.compress(b'{"enable": true}'), Content_Encoding="gzip"), True),
        (http_response(200, b'{"enable": true}' + b" " * (MAX_BODY_BYTES - 16)), True),
    ],
    ids=["multi-line", "extra field", "compressed", "at the size limit"],
)
def test_a_valid_response_is_decoded(name: str, response: bytes, enabled: bool) -> None:
    assert exchange(name, respond_with(response))[0] is enabled


@EITHER_CALL
@pytest.mark.parametrize(
    ("response", "message"),
    [
        (http_response(200), "no message"),
        (http_response(204), "no message"),
        (http_response(200, b"<html></html>"), "<html></html>"),
        (http_response(200, b"true"), "true"),
        (http_response(200, b"[true]"), "[true]"),
        (http_response(200, b"{}"), "{}"),
        (http_response(200, b'{"enable": "true"}'), '{"enable": "true"}'),
        (http_response(200, b'{"enable": 1}'), '{"enable": 1}'),
        (http_response(200, b'{"enable": null}'), '{"enable": null}'),
        (http_response(200, b'{"enabled": true}'), '{"enabled": true}'),
        (http_response(200, b'{"data": {"enable": true}}'), '{"data": {"enable": true}}'),
        (http_response(200, b'{"enable": tru'), '{"enable": tru'),
        (http_response(200, b'{"enable": true}}'), '{"enable": true}}'),
        (http_response(200, b'{"error": {"code": 404, "message": "no app"}}'), "no app"),
        (http_response(200, b"[" * 5000), "[["),
        (http_response(200, b"\xff\x00"), "�"),
        (http_response(206, b'{"enable": true}'), "the body is partial content"),
        (
            http_response(200, b'{"enable": true}' + b" " * MAX_BODY_BYTES),
            "the body is larger than 32768 bytes",
        ),
        (http_response(200, b"{}", Content_Encoding="gzip"), "the compressed body cannot be read"),
        (http_response(200, b"{}", Content_Encoding="zstd"), "the body is encoded as 'zstd'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_response_without_an_open_state_is_unexpected(name: str, response: bytes, message: str) -> None:
    error, server = exchange(name, respond_with(response))
    assert type(error) is UnexpectedResponse
    assert f", but the body has no open state: {message}" in str(error)
    assert "Query again. If the error persists, contact the vendor" in str(error)
    assert str(error).startswith("App a1, push-stream open state, connection some_account: HTTP 20")
    assert len(server.received) == 1


@pytest.mark.parametrize("how", LOSSES)
def test_an_application_with_a_lost_response_is_not_repeated_and_its_outcome_is_unknown(how: str) -> None:
    loss = LOSSES[how]
    error, server = exchange("apply", lost_then(loss.behave, 1, SUCCESS), loss.timeouts)
    assert len(server.received) == 1
    assert type(error) is OutcomeUnknown
    assert loss.error_text in str(error)
    assert "The application may have taken effect, so it is not sent again automatically" in str(error)


@pytest.mark.parametrize("how", LOSSES)
def test_a_query_with_a_lost_response_is_retried(how: str) -> None:
    loss = LOSSES[how]
    enabled, server = exchange("query", lost_then(loss.behave, 2, SUCCESS), loss.timeouts)
    assert enabled is True
    assert len(server.received) == 3


@EITHER_CALL
def test_a_throttled_call_is_retried(name: str) -> None:
    enabled, server = exchange(name, respond_with(http_response(429), http_response(429), ENABLED))
    assert enabled is True
    assert len(server.received) == 3
    assert {received.body for received in server.received} == {b"{}" if name == "apply" else b""}
