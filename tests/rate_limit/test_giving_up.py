"""An account with only 429s is given up in bounded time, and immediately after a long Retry-After."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from agora.rate_limit import adaptive
from agora.rate_limit.adaptive import (
    FORGET_SECONDS,
    GIVE_UP_AFTER_SECONDS,
    MOST_RETRY_AFTER_SECONDS,
    AdaptiveLimit,
)
from agora.rate_limit.local import LocalLimiter, NoPermit
from tests.rate_limit.virtual_time import clock, run

NOW = 1_800_000_000.0
DAY = 86_400.0


def reloaded(limit: AdaptiveLimit, now: float) -> AdaptiveLimit:
    return AdaptiveLimit.from_json(json.loads(json.dumps(limit.to_json())), 10, now)


async def throttle_until_given_up(
    limiter: LocalLimiter, retry_after_seconds: float | None = None, response_seconds: float = 0.05
) -> tuple[int, NoPermit]:
    """Throttle every request; return the number of requests sent and the error of the limiter."""
    sent = 0
    while True:
        try:
            sent_at = await limiter.acquire()
            sent += 1
            await asyncio.sleep(response_seconds)
            await limiter.record_throttled(sent_at, retry_after_seconds)
        except NoPermit as error:
            return sent, error


def test_the_bounds_are_five_minutes_and_a_day() -> None:
    assert (GIVE_UP_AFTER_SECONDS, MOST_RETRY_AFTER_SECONDS) == (300, DAY)


@pytest.mark.parametrize("retry_after_seconds", [None, 0.0, 1.0, 30.0, 100.0, 299.0])
@pytest.mark.parametrize("per_second", [1, 10, 1000])
def test_an_account_with_only_429s_is_given_up_within_five_minutes(
    per_second: float, retry_after_seconds: float | None
) -> None:
    async def main() -> tuple[int, float]:
        sent, error = await throttle_until_given_up(
            LocalLimiter(per_second, clock=clock), retry_after_seconds
        )
        assert (error.retry_at is None) is (not retry_after_seconds)
        return sent, clock()

    sent, seconds = run(main())
    assert seconds <= GIVE_UP_AFTER_SECONDS + 1
    assert 2 <= sent <= 30


def test_waiting_requests_are_given_up_without_being_sent() -> None:
    async def main() -> tuple[int, float]:
        limiter = LocalLimiter(10, clock=clock)
        results = await asyncio.gather(*(throttle_until_given_up(limiter) for _ in range(16)))
        return sum(sent for sent, _ in results), clock()

    sent, seconds = run(main())
    assert seconds <= GIVE_UP_AFTER_SECONDS + 1
    assert sent <= 30


@pytest.mark.parametrize("retry_after_seconds", [300.5, 3600.0, DAY, 10 * DAY])
def test_an_account_with_a_long_retry_after_is_given_up_immediately(retry_after_seconds: float) -> None:
    async def main() -> tuple[int, NoPermit, float]:
        limiter = LocalLimiter(10, clock=clock)
        sent, error = await throttle_until_given_up(limiter, retry_after_seconds)
        with pytest.raises(NoPermit):
            await limiter.acquire()
        return sent, error, clock()

    before = datetime.now(UTC)
    sent, error, seconds = run(main())
    assert (sent, seconds) == (1, 0.05)
    assert error.retry_at is not None
    expected = timedelta(seconds=min(retry_after_seconds, DAY))
    assert timedelta(0) <= error.retry_at - before - expected < timedelta(seconds=10)
    assert str(error) == f"the vendor's Retry-After lasts until {error.retry_at:%Y-%m-%d %H:%M:%S} UTC"


def test_a_retry_after_of_five_minutes_is_waited_out() -> None:
    async def main() -> float:
        limiter = LocalLimiter(10, clock=clock)
        await limiter.record_throttled(await limiter.acquire(), GIVE_UP_AFTER_SECONDS)
        return await limiter.acquire()

    assert run(main()) == GIVE_UP_AFTER_SECONDS


def test_any_other_response_restarts_the_five_minutes() -> None:
    async def main() -> float:
        limiter = LocalLimiter(10, clock=clock)
        for _ in range(20):
            await limiter.record_throttled(await limiter.acquire(), 100.0)
            await limiter.record_response(await limiter.acquire())
        return clock()

    assert run(main()) > 6 * GIVE_UP_AFTER_SECONDS


def test_after_a_retry_after_the_account_is_requested_again() -> None:
    async def main() -> float:
        limiter = LocalLimiter(10, clock=clock)
        with pytest.raises(NoPermit):
            await limiter.record_throttled(await limiter.acquire(), 3600.0)
        await asyncio.sleep(3600)
        return await limiter.acquire()

    assert run(main()) == 3600


def test_each_later_attempt_on_a_given_up_account_costs_one_request() -> None:
    async def main() -> list[int]:
        limiter = LocalLimiter(10, clock=clock)
        await throttle_until_given_up(limiter)
        sent = []
        for _ in range(5):
            sent.append((await throttle_until_given_up(limiter))[0])
            await asyncio.sleep(110)  # longer than the interval at the lowest rate
        return sent

    assert run(main()) == [0, 1, 1, 1, 1]


def test_a_long_retry_after_outlives_the_learned_rate() -> None:
    limit = AdaptiveLimit.fresh(10, NOW)
    limit.record_throttled(NOW, DAY, NOW)
    for later in (1, FORGET_SECONDS + 1, 80_000):
        limit = reloaded(limit, NOW + later)
        assert limit.retry_at == NOW + DAY
        assert limit.is_hopeless(NOW + later)
        granted, wait_seconds = limit.grant(NOW + later)
        assert granted == 0
        assert wait_seconds == pytest.approx(DAY - later)
    assert reloaded(limit, NOW + DAY).grant(NOW + DAY) == (1, 0.0)


def test_the_short_rest_of_a_long_retry_after_is_waited_out() -> None:
    limit = AdaptiveLimit.fresh(10, NOW)
    limit.record_throttled(NOW, DAY, NOW)
    later = NOW + DAY - GIVE_UP_AFTER_SECONDS
    assert not reloaded(limit, later).is_hopeless(later)


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    limit = AdaptiveLimit.fresh(10, NOW)
    limit.record_throttled(NOW, 7200.0, NOW)
    limit.record_throttled(NOW, 1.0, NOW + 1)
    limit.record_response(NOW, NOW + 2)
    assert (limit.retry_at, limit.next_at) == (NOW + 7200, NOW + 7200)
    assert limit.is_hopeless(NOW + 3)


@pytest.mark.parametrize("seconds", [500.0, 100 * DAY])
def test_a_clock_set_back_does_not_change_the_length_of_a_retry_after(seconds: float) -> None:
    limit = AdaptiveLimit.fresh(10, NOW)
    limit.record_throttled(NOW, 7200.0, NOW)
    back = reloaded(limit, NOW - seconds)
    assert back.retry_at == back.next_at == NOW - seconds + 7200


def test_a_small_clock_difference_does_not_change_the_state() -> None:
    limit = AdaptiveLimit.fresh(10, NOW)
    limit.record_throttled(NOW, 7200.0, NOW + 0.5)
    for _ in range(100):
        limit = reloaded(limit, NOW)
    assert limit.retry_at == NOW + 0.5 + 7200


def test_a_low_configured_rate_is_not_mistaken_for_throttling() -> None:
    async def main() -> float:
        limiter = LocalLimiter(0.001, clock=clock)
        await limiter.acquire()
        return await limiter.acquire()

    assert run(main()) == 1000


def test_the_bound_is_read_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", 10.0)

    async def main() -> float:
        await throttle_until_given_up(LocalLimiter(10, clock=clock))
        return clock()

    assert run(main()) <= 11
