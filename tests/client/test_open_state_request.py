"""Open-state requests on the wire: a GET without a body, or a POST with an empty JSON object."""

from __future__ import annotations

import asyncio
import base64

import pytest

from agora.errors import UnexpectedResponse
from tests.client.push_stream_requests import CERTIFICATE, OPEN_STATE_CALLS, account, call_open_state
from tests.client.raw_server import Received, http_response, raw_server, respond_with

EITHER_CALL = pytest.mark.parametrize("name", OPEN_STATE_CALLS)
METHODS = {"query": "GET", "apply": "POST"}
ENABLED = http_response(200, b'{"enable": true}')


def request(name: str, app_id: str = "a1") -> Received:
    async def main() -> Received:
        async with raw_server(respond_with(ENABLED)) as server:
            await call_open_state(account(server.base_url), OPEN_STATE_CALLS[name], app_id)
        (received,) = server.received
        return received

    return asyncio.run(main())


@EITHER_CALL
def test_a_call_has_its_method_its_path_and_basic_authentication(name: str) -> None:
    received = request(name)
    assert received.line == f"{METHODS[name]} /dev/v2/apps/a1/pushstream/openstate HTTP/1.1"
    pair = base64.b64encode(f"customer:{CERTIFICATE}".encode()).decode()
    assert received.header("Authorization") == f"Basic {pair}"
    assert received.header("Accept") == "application/json"


def test_a_query_has_no_body() -> None:
    received = request("query")
    for header in ("Content-Length", "Content-Type", "Transfer-Encoding"):
        assert received.header(header) is None
    assert received.body == b""


def test_an_application_sends_an_empty_json_object() -> None:
    received = request("apply")
    assert received.header("Content-Type") == "application/json"
    assert received.body == b"{}"


@EITHER_CALL
def test_an_app_id_cannot_escape_its_path_segment(name: str) -> None:
    line = request(name, "../x?y#z").line
    assert line.startswith(f"{METHODS[name]} /dev/v2/apps/..%2Fx%3Fy%23z/pushstream/openstate ")


@EITHER_CALL
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_receives_no_credentials(name: str, status: int) -> None:
    async def main() -> None:
        async with raw_server(respond_with(ENABLED)) as elsewhere:
            redirect = http_response(
                status, b"", Location=f"{elsewhere.base_url}/apps/a1/pushstream/openstate"
            )
            async with raw_server(respond_with(redirect)) as server:
                with pytest.raises(UnexpectedResponse, match="Redirects are not followed"):
                    await call_open_state(account(server.base_url), OPEN_STATE_CALLS[name])
                assert len(server.received) == 1
                assert elsewhere.received == []

    asyncio.run(main())


@EITHER_CALL
def test_proxies_from_the_environment_receive_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with raw_server(respond_with(ENABLED)) as proxy, raw_server(respond_with(ENABLED)) as server:
            for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
            assert await call_open_state(account(server.base_url), OPEN_STATE_CALLS[name])
            assert (len(proxy.received), len(server.received)) == (0, 1)

    asyncio.run(main())
