"""What the Test button of an `agora_dashboard` connection reports for each kind of response."""

from __future__ import annotations

import asyncio

import pytest

from agora.hooks.dashboard import _request_made_up_app
from tests.client.push_stream_requests import account, account_of
from tests.client.raw_server import http_response, raw_server, respond_with
from tests.support.sandbox_server import RunningSandbox


def test_accepted_credentials_pass(sandbox: RunningSandbox) -> None:
    passed, text = asyncio.run(_request_made_up_app(account_of(sandbox)))
    assert passed
    assert "accepted the credentials" in text


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_fails_with_the_vendors_message_and_a_caveat(status: int) -> None:
    async def main() -> tuple[bool, str]:
        async with raw_server(
            respond_with(http_response(status, b'{"message": "text from the vendor"}'))
        ) as server:
            result = await _request_made_up_app(account(server.base_url))
            assert len(server.received) == 1
        return result

    passed, text = asyncio.run(main())
    assert not passed
    assert f"HTTP {status}" in text
    assert "text from the vendor" in text
    assert "login is the Customer ID" in text
    assert "this test is inconclusive" in text
