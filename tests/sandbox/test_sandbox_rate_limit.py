"""The sliding window of the rate limit, on a clock of the test's own."""

from __future__ import annotations

import pytest

from sandbox.rate_limit import RateLimit


class HandClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def decisions(per_second: float, moments: list[float]) -> list[bool]:
    clock = HandClock()
    limit = RateLimit(per_second, monotonic=clock)
    let_in = []
    for clock.seconds in moments:
        let_in.append(limit.lets_in())
    return let_in


def test_lets_in_as_many_as_a_second_may_hold() -> None:
    assert decisions(10, [0.0] * 11) == [True] * 10 + [False]


def test_never_refuses_a_caller_who_keeps_to_the_limit() -> None:
    assert all(decisions(10, [n / 10 for n in range(200)]))


def test_forgives_the_networks_jitter() -> None:
    assert all(decisions(10, [n / 10 + (0.03 if n % 10 == 0 else 0.0) for n in range(200)]))


def test_refuses_a_caller_who_goes_beyond_it() -> None:
    let_in = decisions(10, [n / 20 for n in range(200)])
    assert sum(let_in) < 110


def test_a_refused_call_does_not_count() -> None:
    assert decisions(1, [0.0, 0.5, 0.9, 1.0]) == [True, False, False, True]


def test_below_one_a_second() -> None:
    assert decisions(0.5, [0.0, 1.0, 2.0]) == [True, False, True]


def test_zero_is_no_limit() -> None:
    assert all(decisions(0, [0.0] * 5000))


@pytest.mark.parametrize("per_second", [-1, float("nan"), float("inf"), 2_000_000])
def test_refuses_a_limit_that_is_none(per_second: float) -> None:
    with pytest.raises(ValueError, match="rate limit"):
        RateLimit(per_second)


def test_counts_the_calls_that_came_although_they_were_told_to_wait() -> None:
    clock = HandClock()
    limit = RateLimit(1, 5, clock)
    let_in = []
    for clock.seconds in (0.0, 0.5, 0.6, 3.0, 8.1, 8.2):
        let_in.append(limit.lets_in())
    # Refused at 0.5 and 0.6, so nothing was to come before 5.6; nobody was told anything before that at 8.2.
    assert let_in == [True, False, False, True, True, False]
    assert limit.described()["inside_retry_after"] == 2
    limit.reset_counts()
    clock.seconds = 13.1
    limit.lets_in()
    assert limit.described()["inside_retry_after"] == 1, "a reset does not unsay what callers were told"


def test_nobody_is_told_to_wait_without_a_retry_after() -> None:
    clock = HandClock()
    limit = RateLimit(1, None, clock)
    for clock.seconds in (0.0, 0.5, 0.6):
        limit.lets_in()
    assert limit.described()["inside_retry_after"] == 0


def test_counts_how_many_calls_it_would_have_let_in() -> None:
    clock = HandClock()
    limit = RateLimit(10, None, clock)
    clock.seconds = 6.0
    limit.set(2)
    clock.seconds = 10.0
    limit.set(0)  # while there is no limit, there is nothing to count
    clock.seconds = 100.0
    assert limit.described()["allowed"] == 6 * 10 + 4 * 2
    limit.set(3)
    limit.reset_counts()
    clock.seconds = 102.0
    assert limit.described()["allowed"] == 2 * 3
