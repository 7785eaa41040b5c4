"""core.push_stream_state: one row a stretch of the same answer, whoever asks, how often, in which order."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import errors
from sqlalchemy import Engine

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.push_stream_state import ReportedState, record
from tests.warehouse.database import App, Warehouse

ROUNDS = 300
RECORDERS = 2
ACCOUNTS = {"agora_dashboard": ("a", "b", "c", "d"), "agora_other": ("w", "x", "y", "z")}
BEGIN = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
COLUMNS = ("app_id", "conn_id", "enabled", "first_seen_at", "last_seen_at", "answers")

Stretch = dict[str, Any]


def at(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def stretch(enabled: bool, first: int, last: int, answers: int, app_id: str = "a") -> Stretch:
    return dict(zip(COLUMNS, (app_id, "agora_dashboard", enabled, at(first), at(last), answers), strict=True))


class Model:
    """The history as answers that come one after the other make it."""

    def __init__(self) -> None:
        self.stretches: dict[str, list[Stretch]] = {}

    def record(self, conn_id: str, seen: list[ReportedState]) -> int:
        return sum(self._record(conn_id, answer) for answer in seen)

    def _record(self, conn_id: str, answer: ReportedState) -> bool:
        stretches = self.stretches.setdefault(answer.app_id, [])
        newest = stretches[-1] if stretches else None
        if newest and answer.seen_at <= newest["last_seen_at"]:
            return False
        if newest and newest["enabled"] == answer.enabled:
            newest |= {
                "conn_id": conn_id,
                "last_seen_at": answer.seen_at,
                "answers": newest["answers"] + 1,
            }
            return False
        values = (answer.app_id, conn_id, answer.enabled, answer.seen_at, answer.seen_at, 1)
        stretches.append(dict(zip(COLUMNS, values, strict=True)))
        return True

    def rows(self) -> list[Stretch]:
        return [row for _, stretches in sorted(self.stretches.items()) for row in stretches]


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def tell(engine: Engine, *seen: ReportedState, conn_id: str = "agora_dashboard") -> int:
    with engine.begin() as connection:
        return record(connection, conn_id, seen)


def held(warehouse: Warehouse) -> list[Stretch]:
    return warehouse.rows("select * from core.push_stream_state order by app_id, first_seen_at")


def test_the_first_answer_begins_a_stretch(warehouse: Warehouse, engine: Engine) -> None:
    assert tell(engine, ReportedState("a", False, at(0)), ReportedState("b", True, at(1))) == 2
    assert held(warehouse) == [stretch(False, 0, 0, 1), stretch(True, 1, 1, 1, "b")]


def test_no_answers_are_nothing(warehouse: Warehouse, engine: Engine) -> None:
    assert tell(engine) == 0
    assert held(warehouse) == []


def test_the_same_state_again_lengthens_the_stretch(warehouse: Warehouse, engine: Engine) -> None:
    assert [tell(engine, ReportedState("a", True, at(day))) for day in (0, 5, 9)] == [1, 0, 0]
    assert held(warehouse) == [stretch(True, 0, 9, 3)]


def test_a_change_and_a_change_back_are_three_stretches(warehouse: Warehouse, engine: Engine) -> None:
    said = [(False, 0), (False, 1), (True, 2), (True, 3), (True, 4), (False, 5)]
    assert [tell(engine, ReportedState("a", enabled, at(day))) for enabled, day in said] == [1, 0, 1, 0, 0, 1]
    assert held(warehouse) == [stretch(False, 0, 1, 2), stretch(True, 2, 4, 3), stretch(False, 5, 5, 1)]


@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("seconds", [-1, 0, 3, 5, 6, 8])
def test_an_answer_that_is_not_newer_than_all_held_changes_nothing(
    warehouse: Warehouse, engine: Engine, enabled: bool, seconds: int
) -> None:
    for said, second in ((False, 0), (True, 5), (True, 8)):
        tell(engine, ReportedState("a", said, at(second)))
    before = held(warehouse)
    assert tell(engine, ReportedState("a", enabled, at(seconds))) == 0
    assert held(warehouse) == before


def test_a_batch_that_is_recorded_twice_changes_nothing_the_second_time(
    warehouse: Warehouse, engine: Engine
) -> None:
    tell(engine, ReportedState("a", True, at(0)), ReportedState("b", True, at(0)))
    batch = [
        ReportedState("a", True, at(5)),
        ReportedState("b", False, at(6)),
        ReportedState("c", True, at(7)),
    ]
    assert tell(engine, *batch) == 2
    once = held(warehouse)
    assert tell(engine, *batch) == 0
    assert held(warehouse) == once
    # Nor when somebody else recorded a change in between.
    assert tell(engine, ReportedState("b", True, at(8))) == 1
    between = held(warehouse)
    assert tell(engine, *batch) == 0
    assert held(warehouse) == between


def test_of_several_answers_for_one_app_the_newest_counts(warehouse: Warehouse, engine: Engine) -> None:
    tell(engine, ReportedState("a", False, at(0)))
    assert (
        tell(
            engine,
            *(ReportedState("a", enabled, at(day)) for day, enabled in ((1, True), (3, False), (2, True))),
        )
        == 0
    )
    assert held(warehouse) == [stretch(False, 0, 3, 2)]


def test_an_app_that_moves_to_another_account_goes_on(warehouse: Warehouse, engine: Engine) -> None:
    tell(engine, ReportedState("a", True, at(0)))
    assert tell(engine, ReportedState("a", True, at(1)), conn_id="agora_other") == 0
    assert held(warehouse) == [stretch(True, 0, 1, 2) | {"conn_id": "agora_other"}]


def test_a_batch_is_recorded_whole_or_not_at_all(warehouse: Warehouse, engine: Engine) -> None:
    with engine.connect() as connection:
        record(
            connection, "agora_dashboard", [ReportedState("a", True, at(0)), ReportedState("b", False, at(0))]
        )
    assert held(warehouse) == []
    assert tell(engine, ReportedState("a", True, at(0))) == 1


def test_ten_thousand_apps_are_one_batch(warehouse: Warehouse, engine: Engine) -> None:
    model = Model()
    draw = random.Random(7)
    app_ids = [f"{number:032x}" for number in range(10_000)]
    for night in range(3):
        draw.shuffle(app_ids)
        batch = [ReportedState(app_id, draw.random() < 0.5, at(night)) for app_id in app_ids]
        assert tell(engine, *batch) == model.record("agora_dashboard", batch)
        assert tell(engine, *batch) == 0
    assert held(warehouse) == model.rows()


def test_recorders_at_once_leave_the_history_of_one_after_the_other(
    warehouse: Warehouse, engine: Engine
) -> None:
    together = threading.Barrier(RECORDERS, timeout=120)
    recorded: list[tuple[str, list[ReportedState], int]] = []
    failures: list[BaseException] = []

    def answers(draw: random.Random, app_ids: tuple[str, ...], round_number: int) -> list[ReportedState]:
        """Return answers of so few instants that one recorder's are often as old as the other's, or older."""
        return [
            ReportedState(app_id, draw.random() < 0.5, at(2 * round_number + draw.randrange(4)))
            for app_id in draw.sample(app_ids, 3)
        ]

    def recorder(number: int) -> None:
        draw = random.Random(number)
        accounts = list(ACCOUNTS)[:: 1 if number else -1]  # each begins with another one
        try:
            for round_number in range(ROUNDS):
                together.wait()
                with engine.begin() as connection:
                    for conn_id in accounts:
                        seen = answers(draw, ACCOUNTS[conn_id], round_number)
                        # Until the commit nobody else records, so this is the order of what is held.
                        recorded.append((conn_id, seen, record(connection, conn_id, seen)))
        except BaseException as error:  # whatever it is, the test's thread must see it
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=recorder, args=(number,)) for number in range(RECORDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    model = Model()
    assert failures == []
    assert len(recorded) == ROUNDS * RECORDERS * len(ACCOUNTS)
    assert [changed for _, _, changed in recorded] == [
        model.record(conn_id, seen) for conn_id, seen, _ in recorded
    ]
    assert held(warehouse) == model.rows()
    assert len(model.rows()) > ROUNDS


def test_whoever_reads_does_not_wait_for_a_recorder(warehouse: Warehouse, engine: Engine) -> None:
    tell(engine, ReportedState("a", False, at(0)))
    with engine.begin() as connection:
        record(connection, "agora_dashboard", [ReportedState("a", True, at(1))])
        rows = warehouse.rows(
            "set lock_timeout = '1s'; select enabled from mart.push_stream_state", role="analyst"
        )
    assert rows == [{"enabled": False}]


def test_the_analyst_sees_every_stretch_and_which_is_current(warehouse: Warehouse, engine: Engine) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", date(2026, 11, 1))])
    for day, enabled in enumerate((False, True, False)):
        tell(engine, ReportedState("a", enabled, at(day)))
    tell(engine, ReportedState("not collected yet", True, at(1)))
    rows = warehouse.rows(
        "select * from mart.push_stream_state order by app_id, first_seen_at", role="analyst"
    )
    names = {"app_name": "Name of a"}
    assert rows == [
        stretch(False, 0, 0, 1) | names | {"is_current": False},
        stretch(True, 1, 1, 1) | names | {"is_current": False},
        stretch(False, 2, 2, 1) | names | {"is_current": True},
        stretch(True, 1, 1, 1, "not collected yet") | {"app_name": "not collected yet", "is_current": True},
    ]


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("stretch_does_not_end_before_it_begins", "last_seen_at = first_seen_at - interval '1 microsecond'"),
        ("answers_are_counted", "answers = 0"),
    ],
)
def test_what_cannot_be_is_refused(
    warehouse: Warehouse, engine: Engine, constraint: str, change: str
) -> None:
    tell(engine, ReportedState("a", True, at(0)))
    with pytest.raises(errors.CheckViolation, match=constraint):
        warehouse.run(f"update core.push_stream_state set {change}", role="loader")
