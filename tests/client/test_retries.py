"""Retries: which requests are retried, how often, and how Retry-After delays them."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest

from agora.client import retries
from agora.client.dashboard import DashboardClient
from agora.client.request import Timeouts
from agora.errors import DayRefused, VendorError, VendorUnavailable
from tests.client.push_stream_requests import DAY, account, account_of, fetch_day, fetch_day_sync
from tests.client.raw_server import EMPTY_DAY, Behaviour, RawServer, http_response, raw_server, respond_with
from tests.support.sandbox_server import RunningSandbox

TIMER = 0.02  # seconds by which an event loop's timer may fire early, at most

FAILURES: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "disconnect"},
    {"kind": "truncate", "bytes": 100},
]


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_failing_request_is_retried_until_it_succeeds(
    sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([{**fault, "times": 3}])
    received = fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
    assert (received.status, received.fault) == (200, "")
    assert sandbox.stats()["requests"] == 4


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_persistently_failing_request_is_sent_four_times(
    sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([fault])
    with pytest.raises(VendorUnavailable, match="The next run tries again"):
        fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
    assert sandbox.stats()["requests"] == 4


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_request_without_retries_is_sent_once(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    sandbox.put_faults([fault])
    with pytest.raises(VendorUnavailable):
        fetch_day_sync(
            account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1), retry=False
        )
    assert sandbox.stats()["requests"] == 1


def test_a_refusal_after_a_failure_is_raised(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500, "times": 1}, {"kind": "status", "status": 400}])
    with pytest.raises(DayRefused):
        fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today())
    assert sandbox.stats()["by_status"] == {"500": 1, "400": 1}


def test_the_error_names_a_closed_connection(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "disconnect"}])
    with pytest.raises(VendorUnavailable, match="the server closed the connection"):
        fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today(), retry=False)


def test_a_port_without_a_listener_is_unavailable(sandbox: RunningSandbox) -> None:
    with pytest.raises(VendorUnavailable, match=r"no response from .*127\.0\.0\.1:1/x: no connection"):
        fetch_day_sync(account("http://127.0.0.1:1/x"), "a1", DAY)


def test_429s_do_not_count_as_failures(sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [
            {"kind": "status", "status": 429, "times": 5},
            {"kind": "status", "status": 500, "times": 3},
            {"kind": "status", "status": 429, "times": 3},
        ]
    )

    async def main() -> tuple[int, int, int]:
        async with DashboardClient(account_of(sandbox)) as client:
            received = await client.bandwidth(sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
            return received.status, client.transport.requests, client.transport.limited

    # Each request uses up every matching fault, and the first fault determines the response.
    status, requests, limited = asyncio.run(main())
    assert status == 200
    assert (requests, limited) == (6, 5) == (sandbox.stats()["requests"], 5)


def test_three_failures_after_five_429s_are_retried() -> None:
    async def main() -> int:
        responses = [http_response(429)] * 5 + [http_response(500)] * 3 + [http_response(200, EMPTY_DAY)]
        async with raw_server(respond_with(*responses)) as server:
            assert (await fetch_day(account(server.base_url))).status == 200
            return len(server.received)

    assert asyncio.run(main()) == 9


def test_a_429_is_retried_even_if_failures_are_not(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429, "times": 2}])
    day = sandbox.today() - timedelta(days=1)
    assert fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], day, retry=False).status == 200
    assert sandbox.stats()["by_status"] == {"429": 2, "200": 1}


def arrivals(*responses: bytes) -> RawServer:
    async def main() -> RawServer:
        async with raw_server(respond_with(*responses)) as server:
            assert (await fetch_day(account(server.base_url))).status == 200
        return server

    return asyncio.run(main())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_retry_after_in_seconds_is_obeyed(status: int) -> None:
    first, second = arrivals(http_response(status, Retry_After="1"), http_response(200, EMPTY_DAY)).received
    assert second.at >= first.at + 1 - TIMER


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_as_a_date_is_obeyed(status: int) -> None:
    at = int(time.time()) + 2
    responses = http_response(status, Retry_After=formatdate(at, usegmt=True))
    _, second = arrivals(responses, http_response(200, EMPTY_DAY)).received
    assert second.at >= at - TIMER


def test_the_retry_after_of_a_429_delays_every_request_for_the_account() -> None:
    async def main() -> RawServer:
        async with raw_server(
            respond_with(http_response(429, Retry_After="1"), http_response(200, EMPTY_DAY))
        ) as server:
            settings = account(server.base_url, requests_per_second=20)
            async with DashboardClient(settings) as client:
                await asyncio.gather(*(client.bandwidth(f"a{number}", DAY) for number in range(5)))
        return server

    first, *others = asyncio.run(main()).received
    assert len(others) == 5
    assert all(other.at >= first.at + 1 - TIMER for other in others)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "soon",
            "-5",
            "1.5",
            "",
            "٣",
            "0",
            "Mon, 01 Jan 2001 00:00:00 GMT",
            "Mon, 99 Xyz 2001 00:00:00 GMT",
        ),
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2001 00:00:00 +99999999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
def test_an_invalid_retry_after_is_ignored(text: str) -> None:
    responses = http_response(503, Retry_After="X").replace(
        b"Retry-After: X", b"Retry-After: " + text.encode()
    )
    assert len(arrivals(responses, http_response(200, EMPTY_DAY)).received) == 2


@pytest.mark.parametrize("text", ["9" * 4000, "86400", "301", "tomorrow", "Fri, 01 Jan 9999 23:59:59 -2359"])
def test_a_failure_with_a_long_retry_after_is_not_retried(text: str) -> None:
    assert retries.MAX_RETRY_AFTER_SECONDS == 300
    if text == "tomorrow":
        text = formatdate(time.time() + 86400, usegmt=True)

    async def main() -> int:
        async with raw_server(respond_with(http_response(503, Retry_After=text))) as server:
            with pytest.raises(VendorUnavailable, match="HTTP 503"):
                await fetch_day(account(server.base_url))
            return len(server.received)

    assert asyncio.run(main()) == 1


def unavailable_after_a_time_out(behave: Behaviour) -> tuple[VendorError, RawServer]:
    async def main() -> tuple[VendorError, RawServer]:
        async with raw_server(behave) as server:
            with pytest.raises(VendorUnavailable) as raised:
                await fetch_day(account(server.base_url), timeouts=Timeouts(total_seconds=0.3))
        return raised.value, server

    return asyncio.run(main())


def test_a_silent_response_times_out_and_is_retried() -> None:
    async def silent(_writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.sleep(60)

    error, server = unavailable_after_a_time_out(silent)
    assert "the response was not complete within 0.3 s" in str(error)
    assert len(server.received) == 4


def test_a_slowly_dripping_response_times_out() -> None:
    async def drip(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    error, server = unavailable_after_a_time_out(drip)
    assert "the response was not complete within 0.3 s" in str(error)
    assert len(server.received) == 4


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"date"',
        b"gibberish\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "not HTTP"],
)
def test_a_half_closed_connection_is_retried(beginning: bytes) -> None:
    async def half_close(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(beginning if number < 2 else http_response(200, EMPTY_DAY))
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.05)

    async def main() -> int:
        async with raw_server(half_close) as server:
            assert (await fetch_day(account(server.base_url))).body == EMPTY_DAY
            return len(server.received)

    assert asyncio.run(main()) == 3


def test_a_reset_connection_is_retried() -> None:
    async def reset(writer: asyncio.StreamWriter, number: int) -> None:
        if number < 2:
            writer.transport.abort()
        else:
            writer.write(http_response(200, EMPTY_DAY))
            await writer.drain()

    async def main() -> int:
        async with raw_server(reset) as server:
            assert (await fetch_day(account(server.base_url))).body == EMPTY_DAY
            return len(server.received)

    assert asyncio.run(main()) == 3
