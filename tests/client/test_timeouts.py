"""A host that hangs is left alone in time, whatever it hangs in; the message says which time was up."""

from __future__ import annotations

import asyncio

import pytest

from agora.client.dashboard import DashboardClient
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import VendorUnavailable
from sandbox.proxy import NetworkFault
from tests.client.push_stream_requests import DAY, account, asked
from tests.client.raw_server import EMPTY_DAY, Behaviour, answer, answers, raw_server
from tests.support.network_proxy import running_proxy

LONG = 300.0  # longer than anybody waits for a test
SHORT = 0.3


def hung(
    fault: NetworkFault, timeouts: Timeouts, behave: Behaviour, scheme: str = "http"
) -> VendorUnavailable:
    """Ask through a proxy with this fault; return what is raised."""

    async def main() -> VendorUnavailable:
        async with raw_server(behave) as server:
            with running_proxy(server.port, fault) as proxy:
                settings = account(f"{scheme}://127.0.0.1:{proxy.port}/dev/v2")
                with pytest.raises(VendorUnavailable) as raised:
                    await asked(settings, retry=False, timeouts=timeouts)
        return raised.value

    return asyncio.run(main())


async def drip(writer: asyncio.StreamWriter, _number: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(SHORT / 10)


def test_a_connection_that_does_not_come_about() -> None:
    # There is a port that accepts, but TLS gets no further.
    error = hung(
        NetworkFault("black-hole"), Timeouts(SHORT, LONG, LONG), answers(answer(200, EMPTY_DAY)), "https"
    )
    assert "no connection within 0.3 s" in str(error)
    assert error.answer is None


def test_silence_before_the_answer() -> None:
    error = hung(NetworkFault("black-hole"), Timeouts(LONG, SHORT, LONG), answers(answer(200, EMPTY_DAY)))
    assert "no data for 0.3 s" in str(error)
    assert error.answer is None


def test_silence_in_mid_answer_keeps_what_came() -> None:
    whole = answer(200, EMPTY_DAY)
    passed = len(whole) - 10
    error = hung(NetworkFault("black-hole", after_bytes=passed), Timeouts(LONG, SHORT, LONG), answers(whole))
    assert f"the body was cut off after {len(EMPTY_DAY) - 10} bytes: no data for 0.3 s" in str(error)
    assert error.answer is not None
    assert error.answer.body == EMPTY_DAY[:-10]


def test_an_answer_that_drips_without_end() -> None:
    error = hung(NetworkFault(), Timeouts(LONG, LONG, SHORT), drip)
    assert "bytes: the response was not complete within 0.3 s" in str(error)
    assert error.answer is not None
    assert error.answer.body.strip() == b""


def test_a_line_too_slow_for_any_answer() -> None:
    error = hung(
        NetworkFault(latency_ms=60_000), Timeouts(LONG, LONG, SHORT), answers(answer(200, EMPTY_DAY))
    )
    assert "the response was not complete within 0.3 s" in str(error)


def test_waiting_for_a_free_connection_is_not_the_hosts_fault() -> None:

    async def slowly(writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.sleep(SHORT)
        writer.write(answer(200, EMPTY_DAY))
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


def test_the_longest_a_request_may_take_is_the_total() -> None:
    assert TIMEOUTS.connect_seconds <= TIMEOUTS.silence_seconds <= TIMEOUTS.total_seconds <= 60
