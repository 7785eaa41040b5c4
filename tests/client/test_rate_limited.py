"""Requests for an account that receives 429s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from agora.client.dashboard import DashboardClient
from agora.client.response import Response
from agora.client.retries import RETRIES_WHEN_LIMITED, SLOWING_429S
from agora.errors import RateLimited, VendorUnavailable
from agora.rate_limit import adaptive
from agora.rate_limit.local import NoPermit
from tests.client.push_stream_requests import DAY, account
from tests.client.raw_server import EMPTY_DAY, RawServer, http_response, raw_server, respond_with

APPS = [f"a{number}" for number in range(10)]
THROTTLED = http_response(429, b'{"message": "words of the vendor"}')
gives_up_soon = pytest.mark.usefixtures("short_give_up")


GIVE_UP_AFTER_SECONDS = 0.3


@pytest.fixture
def immediate_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up an account before a limiter would send three requests."""
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", GIVE_UP_AFTER_SECONDS)


class NoLimit:
    """Limiter that permits every request immediately, regardless of the responses."""

    async def acquire(self) -> float:
        return time.monotonic()

    async def record_response(self, sent_at: float) -> None:
        pass

    async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
        await asyncio.sleep(0.01)


async def outcomes(client: DashboardClient, app_ids: Sequence[str]) -> list[Response | BaseException]:
    requests = (client.bandwidth(app_id, DAY) for app_id in app_ids)
    async with asyncio.timeout(30):
        return await asyncio.gather(*requests, return_exceptions=True)


def rate_limited(results: Sequence[Response | BaseException]) -> list[RateLimited]:
    errors = [result for result in results if isinstance(result, RateLimited)]
    assert len(errors) == len(results)
    for error in errors:
        assert "HTTP 429" in str(error)
        assert str(error).endswith("See docs/runbook.md#rate-limited")
        assert error.conn_id == "some_account"
        assert error.reason.startswith("HTTP 429"), "a batch lists the account's 429s once by this beginning"
    return errors


@gives_up_soon
def test_persistent_429s_end_every_request_and_stop_sending() -> None:
    async def main() -> tuple[RawServer, list[RateLimited]]:
        async with raw_server(respond_with(THROTTLED)) as server:
            settings = account(server.base_url, requests_per_second=1000)
            async with DashboardClient(settings) as client:
                first = await outcomes(client, APPS)
                sent = len(server.received)
                second = await outcomes(client, APPS)
                assert len(server.received) == sent == client.transport.limited
        return server, rate_limited([*first, *second])

    server, errors = asyncio.run(main())
    assert 2 < len(server.received) < 30
    sent = [error for error in errors if error.answer]
    not_sent = [error for error in errors if not error.answer]
    assert all(
        "HTTP 429 from the vendor: words of the vendor; the account has received no other" in str(e)
        for e in sent
    )
    assert all("this request was not sent; the account has received no other" in str(e) for e in not_sent)
    assert all("Lower requests_per_second in the connection some_account" in str(e) for e in errors)
    assert {error.retry_at for error in errors} == {None}
    assert len(not_sent) >= len(APPS), "the requests of the second batch"


def test_a_long_retry_after_ends_every_request_before_its_next_permit() -> None:
    async def main() -> tuple[int, list[RateLimited]]:
        async with raw_server(respond_with(http_response(429, Retry_After="86400"))) as server:
            # The next permit would come after 100 seconds, but `outcomes` times out after 30.
            settings = account(server.base_url, requests_per_second=0.01)
            async with DashboardClient(settings) as client:
                results = await outcomes(client, APPS)
                return len(server.received), rate_limited(results)

    sent, errors = asyncio.run(main())
    assert sent == 1
    for error in errors:
        assert error.retry_at is not None
        assert abs(error.retry_at - datetime.now(UTC) - timedelta(days=1)) < timedelta(seconds=10)
        assert f"the vendor's Retry-After lasts until {error.retry_at:%Y-%m-%d %H:%M:%S} UTC" in str(error)
        assert "The first run after that time tries again" in str(error)
    assert [error.app_id for error in errors if error.answer] == [APPS[0]]


def test_a_throttled_app_is_given_up_while_others_are_served() -> None:
    server_of: list[RawServer] = []

    class Counting(NoLimit):
        throttled = 0

        async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
            self.throttled += 1
            await super().record_throttled(sent_at, retry_after_seconds)

    limiter = Counting()

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        refused = f"/{APPS[0]}/" in server_of[0].received[number].line
        if refused:
            await asyncio.sleep(0.01)  # the others are served meanwhile
        writer.write(THROTTLED if refused else http_response(200, EMPTY_DAY))
        await writer.drain()

    async def main() -> tuple[list[Response | BaseException], list[Response | BaseException]]:
        async with raw_server(behave) as server:
            server_of.append(server)
            async with DashboardClient(account(server.base_url), limiter=limiter) as client:
                first = await outcomes(client, APPS)
                return first, await outcomes(client, APPS[1:])

    first, second = asyncio.run(main())
    [error] = rate_limited(first[:1])
    assert error.answer is not None
    assert error.retry_at is None
    assert all(isinstance(result, Response) for result in [*first[1:], *second]), (
        "the transport continues to send"
    )
    refused = [received for received in server_of[0].received if f"/{APPS[0]}/" in received.line]
    assert len(refused) == RETRIES_WHEN_LIMITED + 1
    assert limiter.throttled == SLOWING_429S, "the other apps are not slowed down further"


@pytest.mark.usefixtures("immediate_give_up")
def test_a_throttled_process_gives_up_while_others_are_served() -> None:
    async def main() -> tuple[list[RateLimited], float]:
        async with (
            raw_server(respond_with(THROTTLED)) as server,
            DashboardClient(account(server.base_url), limiter=NoLimit()) as client,
        ):
            began = time.monotonic()
            return rate_limited(await outcomes(client, APPS)), time.monotonic() - began

    errors, seconds = asyncio.run(main())
    assert seconds > GIVE_UP_AFTER_SECONDS
    assert all(error.answer for error in errors)


@pytest.mark.usefixtures("immediate_give_up")
def test_any_other_response_restarts_the_give_up_time() -> None:
    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(http_response(200, EMPTY_DAY) if number % 5 == 4 else THROTTLED)
        await writer.drain()

    class Slow(NoLimit):
        async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
            await asyncio.sleep(0.05)

    async def main() -> float:
        async with (
            raw_server(behave) as server,
            DashboardClient(account(server.base_url), limiter=Slow()) as client,
        ):
            began = time.monotonic()
            for app_id in APPS[:3]:
                assert (await client.bandwidth(app_id, DAY)).status == 200
            return time.monotonic() - began

    assert asyncio.run(main()) > 2 * GIVE_UP_AFTER_SECONDS


def test_a_time_out_in_the_warehouse_is_not_reported_as_throttling() -> None:
    class TimesOut(NoLimit):
        async def acquire(self) -> float:
            raise TimeoutError("in the warehouse")

    async def main() -> None:
        async with DashboardClient(account("http://127.0.0.1:1/x"), limiter=TimesOut()) as client:
            with pytest.raises(TimeoutError, match="in the warehouse"):
                await client.bandwidth("a1", DAY)

    asyncio.run(main())


def test_a_request_in_flight_when_the_transport_gives_up_gets_its_response() -> None:
    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        if number:
            writer.write(http_response(429, Retry_After="3600"))
        else:
            await asyncio.sleep(0.3)
            writer.write(http_response(200, EMPTY_DAY))
        await writer.drain()

    async def main() -> list[Response | BaseException]:
        async with (
            raw_server(behave) as server,
            DashboardClient(account(server.base_url), limiter=NoPermitAfterA429()) as client,
        ):
            return await outcomes(client, APPS[:2])

    class NoPermitAfterA429(NoLimit):
        async def record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
            assert retry_after_seconds == 3600
            raise NoPermit("the vendor asks to wait")

    served, refused = asyncio.run(main())
    assert isinstance(served, Response)
    assert isinstance(refused, RateLimited)


def test_a_failure_after_429s_is_reported_as_such() -> None:
    async def main() -> int:
        async with raw_server(respond_with(THROTTLED, THROTTLED, http_response(500))) as server:
            async with DashboardClient(account(server.base_url)) as client:
                with pytest.raises(VendorUnavailable):
                    await client.bandwidth("a1", DAY)
            return len(server.received)

    assert asyncio.run(main()) == 6
