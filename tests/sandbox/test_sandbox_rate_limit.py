"""The sliding window of the rate limit, with a manual clock."""

from __future__ import annotations

import pytest

from sandbox.rate_limit import RateLimit


class ManualClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def decisions(per_second: float, moments: list[float]) -> list[bool]:
    clock = ManualClock()
    limit = RateLimit(per_second, monotonic=clock)
    accepted = []
    for clock.seconds in moments:
        accepted.append(limit.accept())
    return accepted


def test_accepts_the_limit_per_second() -> None:
    assert decisions(10, [0.0] * 11) == [True] * 10 + [False]


def test_accepts_every_request_at_the_limit() -> None:
    assert all(decisions(10, [n / 10 for n in range(200)]))


def test_tolerates_jitter() -> None:
    assert all(decisions(10, [n / 10 + (0.03 if n % 10 == 0 else 0.0) for n in range(200)]))


def test_refuses_requests_above_the_limit() -> None:
    accepted = decisions(10, [n / 20 for n in range(200)])
    assert sum(accepted) < 110


def test_a_refused_request_does_not_count() -> None:
    assert decisions(1, [0.0, 0.5, 0.9, 1.0]) == [True, False, False, True]


def test_a_limit_below_one_per_second() -> None:
    assert decisions(0.5, [0.0, 1.0, 2.0]) == [True, False, True]


def test_zero_is_unlimited() -> None:
    assert all(decisions(0, [0.0] * 5000))


@pytest.mark.parametrize("per_second", [-1, float("nan"), float("inf"), 2_000_000])
def test_refuses_an_invalid_limit(per_second: float) -> None:
    with pytest.raises(ValueError, match="rate limit"):
        RateLimit(per_second)


def test_counts_requests_inside_the_retry_after() -> None:
    clock = ManualClock()
    limit = RateLimit(1, 5, clock)
    accepted = []
    for clock.seconds in (0.0, 0.5, 0.6, 3.0, 8.1, 8.2):
        accepted.append(limit.accept())
    # The refusals at 0.5 and 0.6 set the end of the wait to 5.6. The requests at 0.6 and 3.0 came too early.
    assert accepted == [True, False, False, True, True, False]
    assert limit.to_dict()["inside_retry_after"] == 2
    limit.reset_counts()
    clock.seconds = 13.1
    limit.accept()
    assert limit.to_dict()["inside_retry_after"] == 1, "a reset does not end the announced wait"


def test_counts_nothing_without_a_retry_after() -> None:
    clock = ManualClock()
    limit = RateLimit(1, None, clock)
    for clock.seconds in (0.0, 0.5, 0.6):
        limit.accept()
    assert limit.to_dict()["inside_retry_after"] == 0


def test_counts_the_allowed_requests() -> None:
    clock = ManualClock()
    limit = RateLimit(10, None, clock)
    clock.seconds = 6.0
    limit.set(2)
    clock.seconds = 10.0
    limit.set(0)  # an unlimited period does not count
    clock.seconds = 100.0
    assert limit.to_dict()["allowed"] == 6 * 10 + 4 * 2
    limit.set(3)
    limit.reset_counts()
    clock.seconds = 102.0
    assert limit.to_dict()["allowed"] == 2 * 3
