"""What is asked again, how often, and not before the vendor said."""

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
from tests.client.push_stream_requests import DAY, account, account_of, ask, asked
from tests.client.raw_server import EMPTY_DAY, Behaviour, RawServer, answer, answers, raw_server
from tests.support.sandbox_server import RunningSandbox

TIMER = 0.02  # how much sooner than asked an event loop's timer may fire, generously

FAILURES: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "disconnect"},
    {"kind": "truncate", "bytes": 100},
]


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_failure_is_asked_again_until_there_is_an_answer(
    sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([{**fault, "times": 3}])
    received = ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
    assert (received.status, received.fault) == (200, "")
    assert sandbox.stats()["requests"] == 4


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_failure_that_stays_is_asked_four_times(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    sandbox.put_faults([fault])
    with pytest.raises(VendorUnavailable, match="The next run tries again"):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
    assert sandbox.stats()["requests"] == 4


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_without_retries_it_is_asked_once(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    sandbox.put_faults([fault])
    with pytest.raises(VendorUnavailable):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=1), retry=False)
    assert sandbox.stats()["requests"] == 1


def test_a_failure_then_a_refusal_ends_with_the_refusal(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500, "times": 1}, {"kind": "status", "status": 400}])
    with pytest.raises(DayRefused):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today())
    assert sandbox.stats()["by_status"] == {"500": 1, "400": 1}


def test_a_closed_connection_is_named_as_that(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "disconnect"}])
    with pytest.raises(VendorUnavailable, match="the server closed the connection"):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today(), retry=False)


def test_nobody_listening_is_unavailable(sandbox: RunningSandbox) -> None:
    with pytest.raises(VendorUnavailable, match=r"no response from .*127\.0\.0\.1:1/x: no connection"):
        ask(account("http://127.0.0.1:1/x"), "a1", DAY)


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

    # Every scripted fault that matches meets a call, the first answer in the script wins.
    status, requests, limited = asyncio.run(main())
    assert status == 200
    assert (requests, limited) == (6, 5) == (sandbox.stats()["requests"], 5)


def test_after_five_429s_three_failures_are_still_forgiven() -> None:
    async def main() -> int:
        told = [answer(429)] * 5 + [answer(500)] * 3 + [answer(200, EMPTY_DAY)]
        async with raw_server(answers(*told)) as server:
            assert (await asked(account(server.base_url))).status == 200
            return len(server.received)

    assert asyncio.run(main()) == 9


def test_a_429_is_asked_again_even_where_failures_are_not(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429, "times": 2}])
    day = sandbox.today() - timedelta(days=1)
    assert ask(account_of(sandbox), sandbox.app_ids[0], day, retry=False).status == 200
    assert sandbox.stats()["by_status"] == {"429": 2, "200": 1}


def arrivals(*told: bytes) -> RawServer:
    async def main() -> RawServer:
        async with raw_server(answers(*told)) as server:
            assert (await asked(account(server.base_url))).status == 200
        return server

    return asyncio.run(main())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_retry_after_in_seconds_is_obeyed(status: int) -> None:
    first, second = arrivals(answer(status, Retry_After="1"), answer(200, EMPTY_DAY)).received
    assert second.at >= first.at + 1 - TIMER


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_as_a_date_is_obeyed(status: int) -> None:
    at = int(time.time()) + 2
    told = answer(status, Retry_After=formatdate(at, usegmt=True))
    _, second = arrivals(told, answer(200, EMPTY_DAY)).received
    assert second.at >= at - TIMER


def test_a_429s_retry_after_holds_every_request_of_the_account() -> None:
    async def main() -> RawServer:
        async with raw_server(answers(answer(429, Retry_After="1"), answer(200, EMPTY_DAY))) as server:
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
def test_a_retry_after_that_makes_no_sense_is_survived(text: str) -> None:
    told = answer(503, Retry_After="X").replace(b"Retry-After: X", b"Retry-After: " + text.encode())
    assert len(arrivals(told, answer(200, EMPTY_DAY)).received) == 2


@pytest.mark.parametrize("text", ["9" * 4000, "86400", "301", "tomorrow", "Fri, 01 Jan 9999 23:59:59 -2359"])
def test_inside_a_long_retry_after_a_failure_is_not_asked_again(text: str) -> None:
    assert retries.MAX_RETRY_AFTER_SECONDS == 300
    if text == "tomorrow":
        text = formatdate(time.time() + 86400, usegmt=True)

    async def main() -> int:
        async with raw_server(answers(answer(503, Retry_After=text))) as server:
            with pytest.raises(VendorUnavailable, match="HTTP 503"):
                await asked(account(server.base_url))
            return len(server.received)

    assert asyncio.run(main()) == 1


def unavailable_after_a_short_while(behave: Behaviour) -> tuple[VendorError, RawServer]:
    async def main() -> tuple[VendorError, RawServer]:
        async with raw_server(behave) as server:
            with pytest.raises(VendorUnavailable) as raised:
                await asked(account(server.base_url), timeouts=Timeouts(total_seconds=0.3))
        return raised.value, server

    return asyncio.run(main())


def test_silence_ends_by_the_timeout_and_is_asked_again() -> None:
    async def silent(_writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.sleep(60)

    error, server = unavailable_after_a_short_while(silent)
    assert "the response was not complete within 0.3 s" in str(error)
    assert len(server.received) == 4


def test_a_slow_drip_ends_by_the_timeout() -> None:
    async def drip(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    error, server = unavailable_after_a_short_while(drip)
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
    ids=["nothing", "half a head", "half a body", "no HTTP"],
)
def test_a_half_closed_socket_is_no_answer(beginning: bytes) -> None:
    async def half_close(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(beginning if number < 2 else answer(200, EMPTY_DAY))
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.05)

    async def main() -> int:
        async with raw_server(half_close) as server:
            assert (await asked(account(server.base_url))).body == EMPTY_DAY
            return len(server.received)

    assert asyncio.run(main()) == 3


def test_a_reset_connection_is_no_answer() -> None:
    async def reset(writer: asyncio.StreamWriter, number: int) -> None:
        if number < 2:
            writer.transport.abort()
        else:
            writer.write(answer(200, EMPTY_DAY))
            await writer.drain()

    async def main() -> int:
        async with raw_server(reset) as server:
            assert (await asked(account(server.base_url))).body == EMPTY_DAY
            return len(server.received)

    assert asyncio.run(main()) == 3
