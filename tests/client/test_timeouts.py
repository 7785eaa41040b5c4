"""Time-outs: a host may hang at any stage, and the message names the time-out."""

from __future__ import annotations

import asyncio

import pytest

from agora.client.dashboard import DashboardClient
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import VendorUnavailable
from sandbox.proxy import NetworkFault
from tests.client.push_stream_requests import DAY, account, fetch_day
from tests.client.raw_server import EMPTY_DAY, Behaviour, http_response, raw_server, respond_with
from tests.support.network_proxy import running_proxy

LONG = 300.0  # longer than any test may run
SHORT = 0.3


def time_out_error(
    fault: NetworkFault, timeouts: Timeouts, behave: Behaviour, scheme: str = "http"
) -> VendorUnavailable:
    """Request a day through a proxy with a fault, and return the error."""

    async def main() -> VendorUnavailable:
        async with raw_server(behave) as server:
            with running_proxy(server.port, fault) as proxy:
                settings = account(f"{scheme}://127.0.0.1:{proxy.port}/dev/v2")
                with pytest.raises(VendorUnavailable) as raised:
                    await fetch_day(settings, retry=False, timeouts=timeouts)
        return raised.value

    return asyncio.run(main())


async def drip(writer: asyncio.StreamWriter, _number: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(SHORT / 10)


def test_a_tls_handshake_that_never_ends() -> None:
    # The port accepts connections, but the TLS handshake never ends.
    error = time_out_error(
        NetworkFault("black-hole"),
        Timeouts(SHORT, LONG, LONG),
        respond_with(http_response(200, EMPTY_DAY)),
        "https",
    )
    assert "no connection within 0.3 s" in str(error)
    assert error.answer is None


def test_silence_before_the_response() -> None:
    error = time_out_error(
        NetworkFault("black-hole"), Timeouts(LONG, SHORT, LONG), respond_with(http_response(200, EMPTY_DAY))
    )
    assert "no data for 0.3 s" in str(error)
    assert error.answer is None


def test_silence_during_the_response_preserves_the_received_bytes() -> None:
    whole = http_response(200, EMPTY_DAY)
    passed = len(whole) - 10
    error = time_out_error(
        NetworkFault("black-hole", after_bytes=passed), Timeouts(LONG, SHORT, LONG), respond_with(whole)
    )
    assert f"the body was cut off after {len(EMPTY_DAY) - 10} bytes: no data for 0.3 s" in str(error)
    assert error.answer is not None
    assert error.answer.body == EMPTY_DAY[:-10]


def test_a_response_that_drips_without_end() -> None:
    error = time_out_error(NetworkFault(), Timeouts(LONG, LONG, SHORT), drip)
    assert "bytes: the response was not complete within 0.3 s" in str(error)
    assert error.answer is not None
    assert error.answer.body.strip() == b""


def test_a_network_too_slow_for_any_response() -> None:
    error = time_out_error(
        NetworkFault(latency_ms=60_000),
        Timeouts(LONG, LONG, SHORT),
        respond_with(http_response(200, EMPTY_DAY)),
    )
    assert "the response was not complete within 0.3 s" in str(error)


def test_waiting_for_a_free_connection_does_not_time_out() -> None:

    async def slowly(writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.sleep(SHORT)
        writer.write(http_response(200, EMPTY_DAY))
        await writer.drain()

    async def main() -> None:
        async with raw_server(slowly) as server:
            settings = account(server.base_url, max_concurrency=1)
            async with DashboardClient(settings, timeouts=Timeouts(SHORT, LONG, LONG)) as client:
                await asyncio.gather(
                    *(client.bandwidth(f"a{number}", DAY, retry=False) for number in range(4))
                )
            assert len(server.received) == 4

    asyncio.run(main())


def test_the_total_time_out_is_the_longest() -> None:
    assert TIMEOUTS.connect_seconds <= TIMEOUTS.silence_seconds <= TIMEOUTS.total_seconds <= 60
