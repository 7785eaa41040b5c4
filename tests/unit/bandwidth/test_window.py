"""Where the vendor's window is expected to end, and how few questions tell where it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest

from agora.bandwidth.window import Edge, agreed_edge, certain_since, expected_oldest_day, learn_edge

FIVE_YEARS = [date(2023, 1, 1) + timedelta(days=number) for number in range(5 * 365 + 2)]
TODAY = date(2026, 11, 22)
CERTAIN = TODAY - timedelta(days=27)
# From an expectation 20 days off, with doubling steps out and halving steps back.
MOST_QUESTIONS = 10


def a_month_before(today: date) -> date:
    """Walk back day by day to the same day of the month before, or that month's last day."""
    day = today.replace(day=1) - timedelta(days=1)
    while day.day > today.day:
        day -= timedelta(days=1)
    return day


def test_a_month_ago_of_every_day_of_five_years() -> None:
    assert [expected_oldest_day("1 month", day) for day in FIVE_YEARS] == list(
        map(a_month_before, FIVE_YEARS)
    )


@pytest.mark.parametrize(
    ("today", "oldest"),
    [
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 31), date(2028, 2, 29)),
        (date(2026, 3, 28), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 2, 1)),
        (date(2026, 1, 31), date(2025, 12, 31)),
        (date(2026, 12, 31), date(2026, 11, 30)),
    ],
)
def test_a_month_ago_is_clipped_to_a_shorter_month(today: date, oldest: date) -> None:
    assert expected_oldest_day("1 month", today) == oldest


@pytest.mark.parametrize(
    ("window", "days"), [("1 day", 1), ("30 days", 30), ("31 days", 31), ("400 days", 400)]
)
def test_days_are_counted_back(window: str, days: int) -> None:
    assert expected_oldest_day(window, TODAY) == TODAY - timedelta(days=days)


def test_any_month_is_long_enough_to_hold_a_certain_day() -> None:
    for today in FIVE_YEARS:
        certain = certain_since("1 month", today)
        assert today - certain == timedelta(days=27)
        assert certain >= expected_oldest_day("1 month", today)


@pytest.mark.parametrize(
    ("window", "days"), [("7 days", 7), ("27 days", 27), ("28 days", 27), ("90 days", 27)]
)
def test_a_shorter_window_is_certain_for_itself_alone(window: str, days: int) -> None:
    assert certain_since(window, TODAY) == TODAY - timedelta(days=days)


def served(true_edge: date, day: date) -> bool:
    return day >= true_edge


def learned(
    answer: Callable[[date], bool | None], *, expected: date, oldest: date, certain: date = CERTAIN
) -> tuple[Edge | None, list[date]]:
    asked: list[date] = []

    async def probe(day: date) -> bool | None:
        asked.append(day)
        return answer(day)

    edge = asyncio.run(learn_edge(probe, expected=expected, oldest=oldest, certain=certain))
    return edge, asked


def test_the_edge_is_found_wherever_it_is() -> None:
    most = 0
    for true_age in range(28, 50):
        true_edge = TODAY - timedelta(days=true_age)
        for off in range(-20, 21):
            expected = true_edge + timedelta(days=off)
            for oldest_age in range(true_age + 1, 61):
                oldest = TODAY - timedelta(days=oldest_age)
                edge, asked = learned(partial(served, true_edge), expected=expected, oldest=oldest)
                assert edge == Edge(true_edge, true_edge - timedelta(days=1)), (true_age, off, oldest_age)
                assert len(asked) == len(set(asked)), "no day is asked twice"
                assert off or len(asked) <= 2
                most = max(most, len(asked))
    assert most == MOST_QUESTIONS


def test_where_the_oldest_day_that_matters_is_served_there_is_no_edge_to_know() -> None:
    for true_age in range(28, 61):
        true_edge = TODAY - timedelta(days=true_age)
        for expected_age in range(28, 50):
            for oldest_age in range(28, true_age + 1):
                oldest = TODAY - timedelta(days=oldest_age)
                edge, asked = learned(
                    partial(served, true_edge),
                    expected=TODAY - timedelta(days=expected_age),
                    oldest=oldest,
                )
                assert edge is None or edge.newest_refused is None or edge.newest_refused < oldest
                assert len(asked) <= MOST_QUESTIONS


@pytest.mark.parametrize("oldest_age", [28, 31, 45, 400])
@pytest.mark.parametrize("expected_age", [7, 27, 30, 31, 60])
def test_an_app_that_is_refused_whatever_is_asked_tells_nothing(expected_age: int, oldest_age: int) -> None:
    edge, asked = learned(
        lambda _: False,
        expected=TODAY - timedelta(days=expected_age),
        oldest=TODAY - timedelta(days=oldest_age),
    )
    assert edge is None
    assert len(asked) <= MOST_QUESTIONS


def agreed(*true_ages: int | None) -> tuple[Edge | None, list[int]]:
    """Ask apps that serve days up to these ages, or refuse every day; also count each one's questions."""
    questions = [0] * len(true_ages)

    async def probe(app: int, day: date) -> bool:
        questions[app] += 1
        age = true_ages[app]
        return age is not None and day >= TODAY - timedelta(days=age)

    edge = asyncio.run(
        agreed_edge(
            [partial(probe, app) for app in range(len(true_ages))],
            expected=TODAY - timedelta(days=31),
            oldest=TODAY - timedelta(days=60),
            certain=CERTAIN,
        )
    )
    return edge, questions


def edge_at(age: int) -> Edge:
    return Edge(TODAY - timedelta(days=age), TODAY - timedelta(days=age + 1))


def test_two_apps_that_agree_tell_the_edge_in_two_questions_each() -> None:
    assert agreed(31, 31, 31) == (edge_at(31), [2, 2, 0])


def test_the_second_app_starts_where_the_first_one_ended() -> None:
    edge, (first, second) = agreed(45, 45)
    assert edge == edge_at(45)
    assert first <= MOST_QUESTIONS
    assert second == 2


@pytest.mark.parametrize(
    "true_ages", [(28, 31, 31), (31, 28, 31), (None, 31, 31), (31, None, None, 31), (29, 28, 31, 31)]
)
def test_an_app_that_says_otherwise_is_outvoted(true_ages: tuple[int | None, ...]) -> None:
    assert agreed(*true_ages)[0] == edge_at(31)


def test_an_accounts_only_app_is_believed() -> None:
    assert agreed(30)[0] == edge_at(30)


@pytest.mark.parametrize("true_ages", [(), (None,), (None, None), (31, 29), (31, None)])
def test_where_no_two_apps_agree_nothing_is_known(true_ages: tuple[int | None, ...]) -> None:
    assert agreed(*true_ages)[0] is None


@pytest.mark.parametrize("fails_at", range(6))
def test_an_answer_that_says_neither_ends_the_search(fails_at: int) -> None:
    true_edge, questions = TODAY - timedelta(days=40), 0

    def answer(day: date) -> bool | None:
        nonlocal questions
        questions += 1
        return None if questions > fails_at else day >= true_edge

    edge, asked = learned(answer, expected=TODAY - timedelta(days=30), oldest=TODAY - timedelta(days=60))
    assert edge is None
    assert len(asked) == fails_at + 1
