"""A hidden limit is found and observed: at least 95 % is used, and at most 1 % of requests are throttled."""

from __future__ import annotations

import pytest

from tests.rate_limit.hidden_limits import Moving, SlidingWindow, TokenBucket
from tests.rate_limit.simulation import KINDS, LIMITS, Outcome, limit_of, moving, share, simulate, steady

MIN_USED = 0.95
MAX_THROTTLED = 0.01
MIN_USED_MOVING = 0.85
MAX_THROTTLED_MOVING = 0.02


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_second", LIMITS)
def test_a_constant_limit_is_found_and_observed(per_second: float, kind: str) -> None:
    for used, throttled in steady(kind, per_second):
        assert used >= MIN_USED
        assert throttled <= MAX_THROTTLED


@pytest.mark.parametrize("per_second", [1, 2, 5, 10])
def test_a_bucket_of_two_tokens_is_found_and_observed(per_second: float) -> None:
    seconds = max(300, 2000 / per_second)
    for times in (1.2, 2, 10):
        outcome = simulate(times * per_second, TokenBucket(per_second, 2), seconds)
        assert outcome.used(per_second * seconds) >= MIN_USED
        assert outcome.throttled_share <= MAX_THROTTLED


@pytest.mark.parametrize("latency_seconds", [0.05, 0.2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_is_observed_over_a_slow_connection(kind: str, latency_seconds: float) -> None:
    # At 0.2 s, two requests are in flight when a 429 arrives, and both are throttled too.
    outcome = simulate(10, limit_of(kind, 5, 1), 400, latency_seconds=latency_seconds, jitter=0)
    assert outcome.used(5 * 400) >= MIN_USED - (0.03 if latency_seconds > 0.1 else 0)
    assert outcome.throttled_share <= MAX_THROTTLED + (0.005 if latency_seconds > 0.1 else 0)


def test_a_rate_below_the_limit_is_not_changed() -> None:
    outcome = simulate(10, SlidingWindow(11), 60)
    assert outcome.throttled == []
    assert outcome.used(10 * 60) == pytest.approx(1, rel=0.01)


def within(outcome: Outcome, since: float, until: float) -> int:
    return sum(since <= moment < until for moment in outcome.admitted)


def test_a_limit_that_is_raised_is_followed() -> None:
    outcome = simulate(100, Moving([(0, 5), (120, 20)]), 600)
    assert within(outcome, 400, 600) >= MIN_USED * 20 * 200
    assert outcome.throttled_share <= MAX_THROTTLED


def test_a_limit_that_is_lowered_is_followed() -> None:
    # For a minute, the limiter expects the old limit to return, which costs one 429 every eight seconds.
    outcome = simulate(100, Moving([(0, 20), (60, 5)]), 600)
    assert within(outcome, 200, 600) >= MIN_USED * 5 * 400
    assert outcome.throttled_share <= MAX_THROTTLED


@pytest.mark.parametrize("configured", [10, 20, 50])
def test_a_limit_that_falls_and_returns_is_followed(configured: float) -> None:
    for seed in range(1, 6):
        hidden, seconds, allowed = moving(seed)
        outcome = simulate(configured, hidden, seconds, seed=seed)
        assert outcome.used(allowed) >= MIN_USED_MOVING
        assert outcome.throttled_share <= MAX_THROTTLED_MOVING


@pytest.mark.parametrize("retry_after_seconds", [None, 1.0])
def test_eight_processes_follow_a_limit_that_falls_and_returns(retry_after_seconds: float | None) -> None:
    hidden, seconds, allowed = moving(1)
    outcome, sent, _ = share(20, hidden, seconds, retry_after_seconds=retry_after_seconds)
    assert outcome.used(allowed) >= MIN_USED_MOVING
    assert outcome.throttled_share <= MAX_THROTTLED_MOVING
    assert outcome.inside_retry_after == 0
    assert min(sent) > 0.8 * max(sent), "a process sent far fewer requests than the others"


def test_blocks_of_permits_reduce_database_exchanges() -> None:
    outcome, _, exchanges = share(500, SlidingWindow(10_000), 4, workers=16)
    assert outcome.throttled == []
    assert outcome.used(500 * 4) > 0.9
    assert exchanges < len(outcome.admitted) / 2


@pytest.mark.parametrize("retry_after_seconds", [1, 2, 5])
def test_retry_afters_cost_little_time(retry_after_seconds: float) -> None:
    outcome = simulate(20, SlidingWindow(10), 800, retry_after_seconds=retry_after_seconds)
    assert outcome.used(10 * 800) >= MIN_USED - (0.02 if retry_after_seconds == 5 else 0)
    assert outcome.throttled_share <= MAX_THROTTLED
    assert outcome.inside_retry_after == 0


@pytest.mark.parametrize("per_second", [0.05, 0.2, 0.5])
def test_a_limit_below_one_per_second_is_found(per_second: float) -> None:
    outcome = simulate(10, SlidingWindow(per_second), 1000 / per_second)
    assert outcome.used(1000) >= MIN_USED - 0.03
    # Half of the 429s occur while the limit is being found.
    assert outcome.throttled_share <= 2 * MAX_THROTTLED


def test_the_configured_rate_is_never_exceeded() -> None:
    class ThrottlesForASecond:
        def admits(self, now: float) -> bool:
            return not 9 < now < 10

    outcome = simulate(20, ThrottlesForASecond(), 300, jitter=0)
    assert outcome.throttled
    # Twenty-one requests span twenty intervals, one of which a late request may have skipped.
    spans = [b - a for a, b in zip(outcome.admitted, outcome.admitted[20:], strict=False)]
    assert min(spans) >= 19 / 20 - 1e-6
    assert within(outcome, 250, 300) == pytest.approx(20 * 50, rel=0.01)
