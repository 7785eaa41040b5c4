"""An account that responds with nothing but 429 is given up in bounded time; a long Retry-After, at once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from agora.vendor import pace as pace_module
from agora.vendor.pace import FORGET_SECONDS, LIMITED_SECONDS, MOST_RETRY_AFTER_SECONDS, Pace
from agora.vendor.pacer import NoPermit, Pacer
from tests.unit.vendor.virtual_time import clock, run

NOW = 1_800_000_000.0
DAY = 86_400.0


def kept(pace: Pace, now: float) -> Pace:
    return Pace.from_json(json.loads(json.dumps(pace.to_json())), 10, now)


async def refused_until_given_up(
    pacer: Pacer, retry_after_seconds: float | None = None, response_seconds: float = 0.05
) -> tuple[int, NoPermit]:
    """Answer every request with a 429; return how many were sent, and why the pacer gave up."""
    sent = 0
    while True:
        try:
            sent_at = await pacer.turn()
            sent += 1
            await asyncio.sleep(response_seconds)
            await pacer.limited(sent_at, retry_after_seconds)
        except NoPermit as error:
            return sent, error


def test_the_bounds_are_five_minutes_and_a_day() -> None:
    assert (LIMITED_SECONDS, MOST_RETRY_AFTER_SECONDS) == (300, DAY)


@pytest.mark.parametrize("retry_after_seconds", [None, 0.0, 1.0, 30.0, 100.0, 299.0])
@pytest.mark.parametrize("per_second", [1, 10, 1000])
def test_nothing_but_429_is_given_up_within_five_minutes(
    per_second: float, retry_after_seconds: float | None
) -> None:
    async def main() -> tuple[int, float]:
        sent, error = await refused_until_given_up(Pacer(per_second, clock=clock), retry_after_seconds)
        assert (error.retry_at is None) is (not retry_after_seconds)
        return sent, clock()

    sent, seconds = run(main())
    assert seconds <= LIMITED_SECONDS + 1
    assert 2 <= sent <= 30


def test_all_that_wait_give_up_without_being_sent() -> None:
    async def main() -> tuple[int, float]:
        pacer = Pacer(10, clock=clock)
        results = await asyncio.gather(*(refused_until_given_up(pacer) for _ in range(16)))
        return sum(sent for sent, _ in results), clock()

    sent, seconds = run(main())
    assert seconds <= LIMITED_SECONDS + 1
    assert sent <= 30


@pytest.mark.parametrize("retry_after_seconds", [300.5, 3600.0, DAY, 10 * DAY])
def test_a_long_retry_after_ends_it_at_once(retry_after_seconds: float) -> None:
    async def main() -> tuple[int, NoPermit, float]:
        pacer = Pacer(10, clock=clock)
        sent, error = await refused_until_given_up(pacer, retry_after_seconds)
        with pytest.raises(NoPermit):
            await pacer.turn()
        return sent, error, clock()

    before = datetime.now(UTC)
    sent, error, seconds = run(main())
    assert (sent, seconds) == (1, 0.05)
    assert error.retry_at is not None
    asked = timedelta(seconds=min(retry_after_seconds, DAY))
    assert timedelta(0) <= error.retry_at - before - asked < timedelta(seconds=10)
    assert str(error) == f"the vendor asks to wait until {error.retry_at:%Y-%m-%d %H:%M:%S} UTC"


def test_a_retry_after_of_five_minutes_is_slept_through() -> None:
    async def main() -> float:
        pacer = Pacer(10, clock=clock)
        await pacer.limited(await pacer.turn(), LIMITED_SECONDS)
        return await pacer.turn()

    assert run(main()) == LIMITED_SECONDS


def test_any_other_response_starts_the_five_minutes_again() -> None:
    async def main() -> float:
        pacer = Pacer(10, clock=clock)
        for _ in range(20):
            await pacer.limited(await pacer.turn(), 100.0)
            await pacer.answered(await pacer.turn())
        return clock()

    assert run(main()) > 6 * LIMITED_SECONDS


def test_after_a_retry_after_the_account_is_requested_again() -> None:
    async def main() -> float:
        pacer = Pacer(10, clock=clock)
        with pytest.raises(NoPermit):
            await pacer.limited(await pacer.turn(), 3600.0)
        await asyncio.sleep(3600)
        return await pacer.turn()

    assert run(main()) == 3600


def test_an_account_given_up_costs_one_request_at_a_time() -> None:
    async def main() -> list[int]:
        pacer = Pacer(10, clock=clock)
        await refused_until_given_up(pacer)
        sent = []
        for _ in range(5):
            sent.append((await refused_until_given_up(pacer))[0])
            await asyncio.sleep(110)  # longer than the gap at the least rate
        return sent

    assert run(main()) == [0, 1, 1, 1, 1]


def test_a_long_retry_after_outlives_what_was_learned() -> None:
    pace = Pace.fresh(10, NOW)
    pace.note_limit(NOW, DAY, NOW)
    for later in (1, FORGET_SECONDS + 1, 80_000):
        pace = kept(pace, NOW + later)
        assert pace.retry_at == NOW + DAY
        assert pace.is_refused_for_long(NOW + later)
        granted, wait_seconds = pace.grant(NOW + later)
        assert granted == 0
        assert wait_seconds == pytest.approx(DAY - later)
    assert kept(pace, NOW + DAY).grant(NOW + DAY) == (1, 0.0)


def test_the_rest_of_a_retry_after_is_slept_through_when_it_is_short() -> None:
    pace = Pace.fresh(10, NOW)
    pace.note_limit(NOW, DAY, NOW)
    later = NOW + DAY - LIMITED_SECONDS
    assert not kept(pace, later).is_refused_for_long(later)


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    pace = Pace.fresh(10, NOW)
    pace.note_limit(NOW, 7200.0, NOW)
    pace.note_limit(NOW, 1.0, NOW + 1)
    pace.note_answer(NOW, NOW + 2)
    assert (pace.retry_at, pace.next_at) == (NOW + 7200, NOW + 7200)
    assert pace.is_refused_for_long(NOW + 3)


@pytest.mark.parametrize("seconds", [500.0, 100 * DAY])
def test_a_clock_that_is_set_back_keeps_a_long_retry_after_as_long_as_it_was(seconds: float) -> None:
    pace = Pace.fresh(10, NOW)
    pace.note_limit(NOW, 7200.0, NOW)
    back = kept(pace, NOW - seconds)
    assert back.retry_at == back.next_at == NOW - seconds + 7200


def test_the_state_of_an_inaccurate_clock_is_left_alone() -> None:
    pace = Pace.fresh(10, NOW)
    pace.note_limit(NOW, 7200.0, NOW + 0.5)
    for _ in range(100):
        pace = kept(pace, NOW)
    assert pace.retry_at == NOW + 0.5 + 7200


def test_a_slow_configured_rate_is_not_taken_for_a_refusal() -> None:
    async def main() -> float:
        pacer = Pacer(0.001, clock=clock)
        await pacer.turn()
        return await pacer.turn()

    assert run(main()) == 1000


def test_the_bound_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "LIMITED_SECONDS", 10.0)

    async def main() -> float:
        await refused_until_given_up(Pacer(10, clock=clock))
        return clock()

    assert run(main()) <= 11
