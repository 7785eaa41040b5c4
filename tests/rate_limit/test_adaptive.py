"""The stored state of a rate limit: it outlives a process or a night, and it stays small."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora.rate_limit.adaptive import FORGET_SECONDS, AdaptiveLimit

NOW = 1_800_000_000.0


def throttle_at(limit: AdaptiveLimit, now: float, responses: int = 20) -> None:
    """Record successful responses within the last second, then a 429."""
    for number in range(responses):
        limit.record_response(now - 1 + number / responses, now - 1 + (number + 1) / responses)
    limit.record_throttled(now, None, now)


def reloaded(limit: AdaptiveLimit, *, configured_per_second: float = 50, now: float = NOW) -> AdaptiveLimit:
    return AdaptiveLimit.from_json(json.loads(json.dumps(limit.to_json())), configured_per_second, now)


def test_the_state_round_trips_through_json() -> None:
    limit = AdaptiveLimit.fresh(50, NOW - 1)
    throttle_at(limit, NOW)
    assert reloaded(limit) == limit


def test_the_initial_state_follows_the_configuration() -> None:
    assert AdaptiveLimit.from_json(None, 50, NOW) == AdaptiveLimit.fresh(50, NOW)


def test_a_learned_rate_is_forgotten_after_a_long_pause() -> None:
    limit = AdaptiveLimit.fresh(50, NOW - 1)
    throttle_at(limit, NOW)
    assert reloaded(limit, now=NOW + FORGET_SECONDS - 1).per_second == limit.per_second < 50
    assert reloaded(limit, now=NOW + FORGET_SECONDS + 1) == AdaptiveLimit.fresh(50, NOW + FORGET_SECONDS + 1)


@pytest.mark.parametrize("configured", [20, 80])
def test_a_new_configured_rate_applies_immediately_if_no_limit_was_met(configured: float) -> None:
    assert reloaded(AdaptiveLimit.fresh(50, NOW), configured_per_second=configured).per_second == configured


def test_a_new_configured_rate_caps_the_learned_rate() -> None:
    limit = AdaptiveLimit.fresh(50, NOW - 1)
    throttle_at(limit, NOW)
    assert reloaded(limit, configured_per_second=80).per_second == limit.per_second
    assert reloaded(limit, configured_per_second=5).per_second == 5


def test_a_clock_set_back_delays_requests_only_briefly() -> None:
    limit = AdaptiveLimit.fresh(50, NOW)
    limit.record_throttled(NOW, 60.0, NOW)
    assert reloaded(limit, now=NOW - 500).next_at == NOW - 500 + 60


def test_a_wait_never_exceeds_the_interval_of_the_configured_rate() -> None:
    limit = AdaptiveLimit.fresh(0.0001, NOW)
    limit.grant(NOW)
    assert reloaded(limit, configured_per_second=0.0001).next_at == NOW + 10_000
    assert reloaded(limit, configured_per_second=10).next_at < NOW + 2


@pytest.mark.parametrize("seconds", [500.0, 100_000.0])
def test_a_429_counts_after_the_clock_was_set_back(seconds: float) -> None:
    limit = AdaptiveLimit.fresh(50, NOW)
    throttle_at(limit, NOW + 1)
    back = reloaded(limit, now=NOW - seconds)
    rate = back.per_second
    sent_at = NOW - seconds + 2
    back.record_throttled(sent_at, None, sent_at)
    assert back.per_second < rate
    assert back.next_at < sent_at + 10


@pytest.mark.parametrize(
    "stored",
    [
        None,
        17,
        [],
        "text",
        {},
        {"per_second": 5.0},
        {"most_per_second": 20, "per_second": 5.0, "next_at": NOW, "heard_at": NOW},
        {**AdaptiveLimit.fresh(5, NOW).to_json(), "state": "elsewhere"},
        {**AdaptiveLimit.fresh(5, NOW).to_json(), "heard_at": "yesterday"},
        {**AdaptiveLimit.fresh(5, NOW).to_json(), "next_at": None},
        {**AdaptiveLimit.fresh(5, NOW).to_json(), "state": "steady", "limit_per_second": {}},
    ],
)
def test_an_outdated_or_invalid_state_is_replaced_by_a_fresh_one(stored: Any) -> None:
    assert AdaptiveLimit.from_json(stored, 50, NOW) == AdaptiveLimit.fresh(50, NOW)


def test_the_state_stays_small_after_many_responses() -> None:
    limit = AdaptiveLimit.fresh(100_000, NOW)
    for number in range(20_000):
        limit.record_response(NOW, NOW + number / 5000)
    limit.record_throttled(NOW + 4, None, NOW + 4)
    assert len(json.dumps(limit.to_json())) < 1000


def test_responses_may_be_recorded_out_of_order() -> None:
    def after(*moments: float) -> AdaptiveLimit:
        limit = AdaptiveLimit.fresh(50, NOW)
        for late in moments:
            limit.record_response(NOW, NOW + late)
        return limit

    assert after(0.5, 0.1, 0.9, 0.3) == after(0.1, 0.3, 0.5, 0.9)


def test_a_late_record_of_an_earlier_response_does_not_end_the_throttling() -> None:
    limit = AdaptiveLimit.fresh(50, NOW)
    limit.record_throttled(NOW, None, NOW + 1)
    limit.record_response(NOW, NOW + 0.5)
    assert limit.throttled_since == NOW + 1
    limit.record_response(NOW, NOW + 1.5)
    assert limit.throttled_since is None


@pytest.mark.parametrize(("per_second", "granted"), [(0.1, 1), (20, 1), (39, 1), (100, 5), (1000, 50)])
def test_no_more_permits_are_granted_than_a_block_holds(per_second: float, granted: int) -> None:
    limit = AdaptiveLimit.fresh(per_second, NOW)
    assert limit.grant(NOW, 1000) == (granted, 0.0)
    none, wait_seconds = limit.grant(NOW, 1000)
    assert none == 0
    assert wait_seconds == pytest.approx(granted / per_second, rel=1e-4)


def test_no_more_permits_are_granted_than_requested() -> None:
    assert AdaptiveLimit.fresh(1000, NOW).grant(NOW, 7) == (7, 0.0)
