"""The pace of requests, on a clock of the test's own: evenly spaced, and soon at a hidden limit."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from agora.vendor.pacer import Pacer
from tests.unit.vendor.hidden_limits import (
    FixedWindow,
    HiddenLimit,
    Moving,
    Simulation,
    SlidingWindow,
    TokenBucket,
)
from tests.unit.vendor.virtual_time import clock, run

MOST_REFUSED = 0.02
LEAST_OF_LIMIT = 0.9
LIMITS = (1, 2, 5, 10, 25, 50)
TIMES_TOO_FAST = (1.2, 2.0, 5.0, 7.0, 10.0)


async def turns(pacer: Pacer, count: int) -> list[float]:
    return [await pacer.turn() for _ in range(count)]


@pytest.mark.parametrize("per_second", [0.5, 1, 10, 1000])
def test_requests_are_spaced_evenly(per_second: float) -> None:
    async def main() -> list[float]:
        pacer = Pacer(per_second, clock=clock)
        return [
            moment for part in await asyncio.gather(*(turns(pacer, 10) for _ in range(5))) for moment in part
        ]

    moments = sorted(run(main()))
    assert len(moments) == 50
    assert all(later - sooner == pytest.approx(1 / per_second) for sooner, later in pairwise(moments))


def test_the_first_request_does_not_wait() -> None:
    async def main() -> float:
        return await Pacer(0.01, clock=clock).turn()

    assert run(main()) == 0


def test_after_a_pause_there_is_no_burst() -> None:
    async def main() -> list[float]:
        pacer = Pacer(10, clock=clock)
        await turns(pacer, 3)
        await asyncio.sleep(100)
        return await turns(pacer, 10)

    moments = run(main())
    # One may follow a little sooner, because a late timer must not add up; then it is even again.
    assert moments[-1] - moments[0] == pytest.approx(9 * 0.1 - 0.02)


def test_a_429_slows_down_once_for_all_that_were_under_way() -> None:
    async def main() -> list[float]:
        pacer = Pacer(100, clock=clock)
        sent = await turns(pacer, 8)
        await asyncio.sleep(0.01)
        rates = []
        for moment in sent:
            await pacer.limited(moment, None)
            rates.append(pacer.per_second)
        return rates

    rates = run(main())
    assert rates[0] < 100
    assert set(rates) == {rates[0]}


def test_a_429_to_a_request_sent_after_the_cut_slows_down_further() -> None:
    async def main() -> list[float]:
        pacer = Pacer(100, clock=clock)
        rates = []
        for _ in range(4):
            await pacer.limited(await pacer.turn(), None)
            rates.append(pacer.per_second)
        return rates

    rates = run(main())
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 4


def test_a_retry_after_holds_everybody() -> None:
    async def main() -> list[float]:
        pacer = Pacer(100, clock=clock)
        waiting = [asyncio.create_task(pacer.turn()) for _ in range(5)]
        await asyncio.sleep(0)
        await pacer.limited(await waiting[0], 30.0)
        return [await task for task in waiting]

    first, *others = run(main())
    assert first < 1
    assert all(moment >= 30 for moment in others)


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    async def main() -> float:
        pacer = Pacer(100, clock=clock)
        sent = await turns(pacer, 2)
        await pacer.limited(sent[0], 30.0)
        await pacer.limited(sent[1], 1.0)
        return await pacer.turn()

    assert run(main()) >= 30


def test_the_configured_rate_is_never_exceeded() -> None:
    class RefusesForASecond:
        def lets_in(self) -> bool:
            return not 9 < clock() < 10

    simulation = Simulation(20, RefusesForASecond(), requests=3000).run()
    assert len(simulation.refused_at) > 0
    # Twenty-one requests span twenty gaps, of which a late one may have lost one.
    spans = [
        later - sooner
        for sooner, later in zip(simulation.accepted_at, simulation.accepted_at[20:], strict=False)
    ]
    assert min(spans) >= 19 / 20 - 1e-6
    assert simulation.accepted_per_second(2000) == pytest.approx(20, rel=0.01)


def limits(per_second: float) -> list[tuple[str, HiddenLimit]]:
    # Not 10 at 50 a second: a bucket that holds a fifth of a second looks like a lower limit at first, and
    # 600 requests last only twelve seconds, of which the way back up takes two.
    bursts = sorted({2.0, 10.0 if per_second < 50 else 2.0, per_second, 5 * per_second} - {1.0})
    return [
        ("sliding window", SlidingWindow(per_second)),
        *((f"bucket of {burst:g}", TokenBucket(per_second, burst)) for burst in bursts),
    ]


@pytest.mark.parametrize("times", TIMES_TOO_FAST)
@pytest.mark.parametrize("per_second", LIMITS)
def test_a_hidden_limit_is_found_and_kept(per_second: float, times: float) -> None:
    # What is under way when the first 429 arrives is refused too, whatever the pacer does; with the latency
    # of 5 ms that is one or two requests.
    for name, limit in limits(per_second):
        simulation = Simulation(times * per_second, limit).run()
        assert simulation.refused_share < MOST_REFUSED, name
        assert simulation.accepted_per_second() > LEAST_OF_LIMIT * per_second, name


@pytest.mark.parametrize("latency_seconds", [0.05, 0.2])
def test_a_hidden_limit_is_kept_over_a_slow_line(latency_seconds: float) -> None:
    for name, limit in limits(5):
        simulation = Simulation(10, limit, latency_seconds=latency_seconds).run()
        assert simulation.refused_share < MOST_REFUSED, name
        assert simulation.accepted_per_second() > LEAST_OF_LIMIT * 5, name


def test_a_rate_below_the_limit_is_left_alone() -> None:
    simulation = Simulation(10, SlidingWindow(11)).run()
    assert simulation.refused_at == []
    assert simulation.accepted_per_second() == pytest.approx(10, rel=0.01)


def test_a_limit_that_is_raised_meanwhile_is_followed() -> None:
    simulation = Simulation(100, Moving([(0, 5), (20, 20)]), requests=2000).run()
    assert simulation.accepted_per_second(1500) > LEAST_OF_LIMIT * 20
    assert simulation.refused_share < MOST_REFUSED


def test_a_limit_that_is_lowered_meanwhile_is_followed() -> None:
    # For a minute it is tried whether the limit is raised again; that is paid off within the next two.
    simulation = Simulation(100, Moving([(0, 20), (20, 5)]), requests=1400).run()
    assert simulation.accepted_per_second(600) > LEAST_OF_LIMIT * 5
    assert simulation.refused_share < MOST_REFUSED


# The sandbox forgives 5 per cent of jitter, so it lets in a little more than it is told to.
@pytest.mark.parametrize("moved_at", [60, 62.5, 65, 67.5, 70])
@pytest.mark.parametrize("configured", [10, 20, 50])
def test_a_limit_that_falls_and_comes_back_is_followed(configured: float, moved_at: float) -> None:
    phases = [(0.0, 10 / 0.95), (moved_at, 2 / 0.95), (moved_at + 60, 10 / 0.95)]
    simulation = Simulation(configured, Moving(phases), until=moved_at + 120, requests=10_000).run()
    allowed = 10 * moved_at + 2 * 60 + 10 * 60
    assert simulation.accepted_between(0, moved_at + 120) > LEAST_OF_LIMIT * allowed
    assert simulation.refused_share < MOST_REFUSED


@pytest.mark.parametrize("retry_after_seconds", [1, 2, 5])
def test_retry_afters_cost_little_time(retry_after_seconds: float) -> None:
    simulation = Simulation(
        20, SlidingWindow(10), retry_after_seconds=retry_after_seconds, requests=4000
    ).run()
    assert simulation.accepted_per_second() > LEAST_OF_LIMIT * 10
    assert simulation.refused_share < MOST_REFUSED


@pytest.mark.parametrize("per_second", [0.05, 0.2, 0.5])
def test_a_limit_below_one_a_second_is_found(per_second: float) -> None:
    simulation = Simulation(10, SlidingWindow(per_second), requests=600).run()
    assert simulation.accepted_per_second() > LEAST_OF_LIMIT * per_second
    assert simulation.refused_share < 1.5 * MOST_REFUSED  # half of them while finding it


@pytest.mark.parametrize("per_second", [2, 5, 10])
def test_a_limit_per_second_of_the_clock_is_nearly_used(per_second: float) -> None:
    simulation = Simulation(2 * per_second, FixedWindow(per_second), requests=2000).run()
    assert simulation.accepted_per_second() > 0.8 * per_second
    assert simulation.refused_share < MOST_REFUSED
