"""The limiter for one process, on a virtual clock: requests are evenly spaced, and slower after a 429."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from agora.rate_limit.local import LocalLimiter
from tests.rate_limit.virtual_time import clock, run


async def permits(limiter: LocalLimiter, count: int) -> list[float]:
    return [await limiter.acquire() for _ in range(count)]


@pytest.mark.parametrize("per_second", [0.5, 1, 10, 1000])
def test_requests_are_spaced_evenly(per_second: float) -> None:
    async def main() -> list[float]:
        limiter = LocalLimiter(per_second, clock=clock)
        return [
            moment
            for part in await asyncio.gather(*(permits(limiter, 10) for _ in range(5)))
            for moment in part
        ]

    moments = sorted(run(main()))
    assert len(moments) == 50
    assert all(later - sooner == pytest.approx(1 / per_second) for sooner, later in pairwise(moments))


def test_the_first_request_does_not_wait() -> None:
    async def main() -> float:
        return await LocalLimiter(0.01, clock=clock).acquire()

    assert run(main()) == 0


def test_after_a_pause_there_is_no_burst() -> None:
    async def main() -> list[float]:
        limiter = LocalLimiter(10, clock=clock)
        await permits(limiter, 3)
        await asyncio.sleep(100)
        return await permits(limiter, 10)

    moments = run(main())
    # One interval may be shorter, because delays of timers must not accumulate.
    assert moments[-1] - moments[0] == pytest.approx(9 * 0.1 - 0.02)


def test_429s_to_concurrent_requests_slow_down_only_once() -> None:
    async def main() -> list[float]:
        limiter = LocalLimiter(100, clock=clock)
        sent = await permits(limiter, 8)
        await asyncio.sleep(0.01)
        rates = []
        for moment in sent:
            await limiter.record_throttled(moment, None)
            rates.append(limiter.limit.per_second)
        return rates

    rates = run(main())
    assert rates[0] < 100
    assert set(rates) == {rates[0]}


def test_a_429_to_a_request_sent_after_the_slowdown_slows_down_further() -> None:
    async def main() -> list[float]:
        limiter = LocalLimiter(100, clock=clock)
        rates = []
        for _ in range(4):
            await limiter.record_throttled(await limiter.acquire(), None)
            rates.append(limiter.limit.per_second)
        return rates

    rates = run(main())
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 4


def test_a_retry_after_delays_every_waiting_request() -> None:
    async def main() -> list[float]:
        limiter = LocalLimiter(100, clock=clock)
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
        await asyncio.sleep(0)
        await limiter.record_throttled(await waiting[0], 30.0)
        return [await task for task in waiting]

    first, *others = run(main())
    assert first < 1
    assert all(moment >= 30 for moment in others)


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    async def main() -> float:
        limiter = LocalLimiter(100, clock=clock)
        sent = await permits(limiter, 2)
        await limiter.record_throttled(sent[0], 30.0)
        await limiter.record_throttled(sent[1], 1.0)
        return await limiter.acquire()

    assert run(main()) >= 30
