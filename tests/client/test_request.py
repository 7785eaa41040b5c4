"""Bandwidth requests on the wire: request line, Basic authentication, no body, no requests to other hosts."""

from __future__ import annotations

import asyncio
import base64

import pytest

from agora.client.dashboard import DashboardClient
from agora.errors import UnexpectedResponse
from tests.client.push_stream_requests import CERTIFICATE, DAY, account, fetch_day
from tests.client.raw_server import EMPTY_DAY, Received, http_response, raw_server, respond_with


def request(app_id: str = "a1", **fields: str) -> Received:
    async def main() -> Received:
        async with raw_server(respond_with(http_response(200, EMPTY_DAY))) as server:
            await fetch_day(account(server.base_url, **fields), app_id)
        (received,) = server.received
        return received

    return asyncio.run(main())


def test_the_date_in_the_request_has_no_dashes() -> None:
    assert request().line == "GET /dev/v2/apps/a1/usages/bandwidth?date=20261101 HTTP/1.1"


def test_the_date_in_the_response_has_dashes() -> None:
    assert b'"date": "2026-11-01"' in EMPTY_DAY


@pytest.mark.parametrize(
    ("customer_id", "certificate"),
    [("customer", "secret"), ("Kundin-Ä", "пароль:mit:Doppelpunkt"), ("c" * 300, "  spaces  " + "x" * 300)],
)
def test_basic_authentication_is_exact(customer_id: str, certificate: str) -> None:
    received = request(customer_id=customer_id, customer_certificate=certificate)
    pair = f"{customer_id}:{certificate}".encode()
    assert received.header("Authorization") == "Basic " + base64.b64encode(pair).decode()


def test_a_get_has_no_body_and_requests_uncompressed_json() -> None:
    received = request()
    assert received.header("Content-Length") is None
    assert received.header("Transfer-Encoding") is None
    assert received.header("Accept") == "application/json"
    assert received.header("Accept-Encoding") == "identity"


def test_an_app_id_cannot_escape_its_path_segment() -> None:
    assert request("../../x?y#z").line.startswith(
        "GET /dev/v2/apps/..%2F..%2Fx%3Fy%23z/usages/bandwidth?date="
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_receives_no_credentials(status: int) -> None:
    async def main() -> None:
        async with (
            raw_server(respond_with(http_response(200, EMPTY_DAY))) as elsewhere,
            raw_server(respond_with(http_response(status, b"", Location=elsewhere.base_url))) as server,
        ):
            with pytest.raises(UnexpectedResponse, match="Redirects are not followed"):
                await fetch_day(account(server.base_url))
            assert len(server.received) == 1
            assert elsewhere.received == []

    asyncio.run(main())


def test_a_redirect_within_the_host_is_not_followed() -> None:
    async def main() -> None:
        async with raw_server(
            respond_with(http_response(302, b"", Location="/dev/v2/other"), http_response(200, EMPTY_DAY))
        ) as server:
            with pytest.raises(UnexpectedResponse):
                await fetch_day(account(server.base_url))
            assert len(server.received) == 1

    asyncio.run(main())


def test_proxies_from_the_environment_receive_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with (
            raw_server(respond_with(http_response(200))) as proxy,
            raw_server(respond_with(http_response(200, EMPTY_DAY))) as server,
        ):
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            await fetch_day(account(server.base_url))
            assert (len(proxy.received), len(server.received)) == (0, 1)

    asyncio.run(main())


@pytest.mark.parametrize("limit", [1, 4])
def test_concurrent_requests_stay_within_max_concurrency(limit: int) -> None:
    async def main() -> int:
        async def slowly(writer: asyncio.StreamWriter, _number: int) -> None:
            await asyncio.sleep(0.02)
            writer.write(http_response(200, EMPTY_DAY))
            await writer.drain()

        async with raw_server(slowly) as server:
            async with DashboardClient(account(server.base_url, max_concurrency=limit)) as client:
                await asyncio.gather(*(client.bandwidth(f"a{number}", DAY) for number in range(20)))
            assert len(server.received) == 20
            return server.max_connections

    assert asyncio.run(main()) == limit


def test_the_certificate_is_sent_only_in_its_header() -> None:
    received = request()
    assert CERTIFICATE not in received.head
    assert received.head.count("Basic ") == 1
