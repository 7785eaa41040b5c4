"""The state of a pace: what of it is kept between processes and nights, and that it stays small."""

from __future__ import annotations

import json

import pytest

from agora.vendor.pace import FORGET_SECONDS, MOST_AHEAD_SECONDS, Pace

NOW = 1_800_000_000.0


def limited_at(pace: Pace, now: float, answers: int = 20) -> None:
    """Answer so many within the last second, then refuse one."""
    for number in range(answers):
        pace.note_answer(now - 1 + number / answers, now - 1 + (number + 1) / answers)
    pace.note_limit(now, None, now)


def kept(pace: Pace, *, most_per_second: float = 50, now: float = NOW) -> Pace:
    return Pace.from_json(json.loads(json.dumps(pace.to_json())), most_per_second, now)


def test_what_is_kept_is_all_there_is() -> None:
    pace = Pace.fresh(50, NOW - 5)
    limited_at(pace, NOW)
    assert kept(pace) == pace


def test_the_first_state_is_that_of_the_configuration() -> None:
    assert Pace.from_json(None, 50, NOW) == Pace.fresh(50, NOW)


def test_a_learned_rate_is_forgotten_after_a_long_silence() -> None:
    pace = Pace.fresh(50, NOW - 5)
    limited_at(pace, NOW)
    assert kept(pace, now=NOW + FORGET_SECONDS - 1).per_second == pace.per_second < 50
    assert kept(pace, now=NOW + FORGET_SECONDS + 1) == Pace.fresh(50, NOW + FORGET_SECONDS + 1)


@pytest.mark.parametrize("configured", [20, 80])
def test_another_configured_rate_holds_at_once_where_no_limit_was_met(configured: float) -> None:
    assert kept(Pace.fresh(50, NOW), most_per_second=configured).per_second == configured


def test_another_configured_rate_bounds_what_was_learned() -> None:
    pace = Pace.fresh(50, NOW - 5)
    limited_at(pace, NOW)
    assert kept(pace, most_per_second=80).per_second == pace.per_second
    assert kept(pace, most_per_second=5).per_second == 5


def test_a_clock_that_was_set_back_holds_nobody_up_for_long() -> None:
    pace = Pace.fresh(50, NOW)
    pace.note_limit(NOW, 60.0, NOW)
    assert kept(pace, now=NOW - 500).next_at == NOW - 500 + 60


def test_the_wait_for_a_slow_rate_is_bounded() -> None:
    pace = Pace.fresh(0.0001, NOW)
    pace.grant(NOW)
    assert kept(pace, most_per_second=0.0001).next_at == NOW + MOST_AHEAD_SECONDS


def test_the_state_stays_small_however_many_answers_there_are() -> None:
    pace = Pace.fresh(100_000, NOW)
    for number in range(20_000):
        pace.note_answer(NOW, NOW + number / 5000)
    assert len(json.dumps(pace.to_json())) < 3000
    assert sum(count for _, count in pace.answered) == pytest.approx(5000, rel=0.05)


def test_answers_may_be_told_out_of_order() -> None:
    pace = Pace.fresh(50, NOW)
    for late in (0.5, 0.1, 0.9, 0.3):
        pace.note_answer(NOW, NOW + late)
    assert pace.answered == [(NOW + late, 1) for late in (0.1, 0.3, 0.5, 0.9)]


@pytest.mark.parametrize(("per_second", "granted"), [(0.1, 1), (20, 1), (39, 1), (100, 5), (1000, 50)])
def test_no_more_turns_are_granted_than_a_block_holds(per_second: float, granted: int) -> None:
    pace = Pace.fresh(per_second, NOW)
    assert pace.grant(NOW, 1000) == (granted, 0.0)
    none, wait_seconds = pace.grant(NOW, 1000)
    assert none == 0
    assert wait_seconds == pytest.approx(granted / per_second, rel=1e-4)


def test_no_more_turns_are_granted_than_are_wanted() -> None:
    assert Pace.fresh(1000, NOW).grant(NOW, 7) == (7, 0.0)
