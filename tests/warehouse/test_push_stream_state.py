"""core.push_stream_state: one row per period of the same state, in whichever order responses are recorded."""

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

Period = dict[str, Any]


def at(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def period(enabled: bool, first: int, last: int, answers: int, app_id: str = "a") -> Period:
    return dict(zip(COLUMNS, (app_id, "agora_dashboard", enabled, at(first), at(last), answers), strict=True))


class Model:
    """The history that results from recording responses one after the other."""

    def __init__(self) -> None:
        self.periods: dict[str, list[Period]] = {}

    def record(self, conn_id: str, seen: list[ReportedState]) -> int:
        return sum(self._record(conn_id, response) for response in seen)

    def _record(self, conn_id: str, response: ReportedState) -> bool:
        periods = self.periods.setdefault(response.app_id, [])
        newest = periods[-1] if periods else None
        if newest and response.seen_at <= newest["last_seen_at"]:
            return False
        if newest and newest["enabled"] == response.enabled:
            newest |= {
                "conn_id": conn_id,
                "last_seen_at": response.seen_at,
                "answers": newest["answers"] + 1,
            }
            return False
        values = (response.app_id, conn_id, response.enabled, response.seen_at, response.seen_at, 1)
        periods.append(dict(zip(COLUMNS, values, strict=True)))
        return True

    def rows(self) -> list[Period]:
        return [row for _, periods in sorted(self.periods.items()) for row in periods]


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def record_states(engine: Engine, *seen: ReportedState, conn_id: str = "agora_dashboard") -> int:
    with engine.begin() as connection:
        return record(connection, conn_id, seen)


def stored(warehouse: Warehouse) -> list[Period]:
    return warehouse.rows("select * from core.push_stream_state order by app_id, first_seen_at")


def test_the_first_response_begins_a_period(warehouse: Warehouse, engine: Engine) -> None:
    assert record_states(engine, ReportedState("a", False, at(0)), ReportedState("b", True, at(1))) == 2
    assert stored(warehouse) == [period(False, 0, 0, 1), period(True, 1, 1, 1, "b")]


def test_without_responses_nothing_is_recorded(warehouse: Warehouse, engine: Engine) -> None:
    assert record_states(engine) == 0
    assert stored(warehouse) == []


def test_the_same_state_extends_the_period(warehouse: Warehouse, engine: Engine) -> None:
    assert [record_states(engine, ReportedState("a", True, at(day))) for day in (0, 5, 9)] == [1, 0, 0]
    assert stored(warehouse) == [period(True, 0, 9, 3)]


def test_a_change_and_a_change_back_are_three_periods(warehouse: Warehouse, engine: Engine) -> None:
    states = [(False, 0), (False, 1), (True, 2), (True, 3), (True, 4), (False, 5)]
    assert [record_states(engine, ReportedState("a", enabled, at(day))) for enabled, day in states] == [
        1,
        0,
        1,
        0,
        0,
        1,
    ]
    assert stored(warehouse) == [period(False, 0, 1, 2), period(True, 2, 4, 3), period(False, 5, 5, 1)]


@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("seconds", [-1, 0, 3, 5, 6, 8])
def test_a_response_that_is_not_the_newest_changes_nothing(
    warehouse: Warehouse, engine: Engine, enabled: bool, seconds: int
) -> None:
    for state, second in ((False, 0), (True, 5), (True, 8)):
        record_states(engine, ReportedState("a", state, at(second)))
    before = stored(warehouse)
    assert record_states(engine, ReportedState("a", enabled, at(seconds))) == 0
    assert stored(warehouse) == before


def test_recording_a_batch_twice_changes_nothing(warehouse: Warehouse, engine: Engine) -> None:
    record_states(engine, ReportedState("a", True, at(0)), ReportedState("b", True, at(0)))
    batch = [
        ReportedState("a", True, at(5)),
        ReportedState("b", False, at(6)),
        ReportedState("c", True, at(7)),
    ]
    assert record_states(engine, *batch) == 2
    once = stored(warehouse)
    assert record_states(engine, *batch) == 0
    assert stored(warehouse) == once
    # The same applies after another recorder has stored a change.
    assert record_states(engine, ReportedState("b", True, at(8))) == 1
    between = stored(warehouse)
    assert record_states(engine, *batch) == 0
    assert stored(warehouse) == between


def test_the_newest_of_several_responses_for_an_app_counts(warehouse: Warehouse, engine: Engine) -> None:
    record_states(engine, ReportedState("a", False, at(0)))
    assert (
        record_states(
            engine,
            *(ReportedState("a", enabled, at(day)) for day, enabled in ((1, True), (3, False), (2, True))),
        )
        == 0
    )
    assert stored(warehouse) == [period(False, 0, 3, 2)]


def test_moving_an_app_to_another_account_continues_its_period(warehouse: Warehouse, engine: Engine) -> None:
    record_states(engine, ReportedState("a", True, at(0)))
    assert record_states(engine, ReportedState("a", True, at(1)), conn_id="agora_other") == 0
    assert stored(warehouse) == [period(True, 0, 1, 2) | {"conn_id": "agora_other"}]


def test_a_batch_is_recorded_completely_or_not_at_all(warehouse: Warehouse, engine: Engine) -> None:
    with engine.connect() as connection:
        record(
            connection, "agora_dashboard", [ReportedState("a", True, at(0)), ReportedState("b", False, at(0))]
        )
    assert stored(warehouse) == []
    assert record_states(engine, ReportedState("a", True, at(0))) == 1


def test_ten_thousand_apps_fit_in_one_batch(warehouse: Warehouse, engine: Engine) -> None:
    model = Model()
    draw = random.Random(7)
    app_ids = [f"{number:032x}" for number in range(10_000)]
    for night in range(3):
        draw.shuffle(app_ids)
        batch = [ReportedState(app_id, draw.random() < 0.5, at(night)) for app_id in app_ids]
        assert record_states(engine, *batch) == model.record("agora_dashboard", batch)
        assert record_states(engine, *batch) == 0
    assert stored(warehouse) == model.rows()


def test_concurrent_recorders_leave_the_same_history_as_sequential_ones(
    warehouse: Warehouse, engine: Engine
) -> None:
    together = threading.Barrier(RECORDERS, timeout=120)
    recorded: list[tuple[str, list[ReportedState], int]] = []
    failures: list[BaseException] = []

    def responses(draw: random.Random, app_ids: tuple[str, ...], round_number: int) -> list[ReportedState]:
        """Return responses with few distinct instants, so that recorders often conflict."""
        return [
            ReportedState(app_id, draw.random() < 0.5, at(2 * round_number + draw.randrange(4)))
            for app_id in draw.sample(app_ids, 3)
        ]

    def recorder(number: int) -> None:
        draw = random.Random(number)
        accounts = list(ACCOUNTS)[:: 1 if number else -1]  # each begins with another account
        try:
            for round_number in range(ROUNDS):
                together.wait()
                with engine.begin() as connection:
                    for conn_id in accounts:
                        seen = responses(draw, ACCOUNTS[conn_id], round_number)
                        # No other recorder writes before the commit, so this is the order of storage.
                        recorded.append((conn_id, seen, record(connection, conn_id, seen)))
        except BaseException as error:  # the test's thread must see every error
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
    assert stored(warehouse) == model.rows()
    assert len(model.rows()) > ROUNDS


def test_a_reader_does_not_wait_for_a_recorder(warehouse: Warehouse, engine: Engine) -> None:
    record_states(engine, ReportedState("a", False, at(0)))
    with engine.begin() as connection:
        record(connection, "agora_dashboard", [ReportedState("a", True, at(1))])
        rows = warehouse.rows(
            "set lock_timeout = '1s'; select enabled from mart.push_stream_state", role="analyst"
        )
    assert rows == [{"enabled": False}]


def test_the_analyst_sees_every_period_and_which_is_current(warehouse: Warehouse, engine: Engine) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", date(2026, 11, 1))])
    for day, enabled in enumerate((False, True, False)):
        record_states(engine, ReportedState("a", enabled, at(day)))
    record_states(engine, ReportedState("not collected yet", True, at(1)))
    rows = warehouse.rows(
        "select * from mart.push_stream_state order by app_id, first_seen_at", role="analyst"
    )
    names = {"app_name": "Name of a"}
    assert rows == [
        period(False, 0, 0, 1) | names | {"is_current": False},
        period(True, 1, 1, 1) | names | {"is_current": False},
        period(False, 2, 2, 1) | names | {"is_current": True},
        period(True, 1, 1, 1, "not collected yet") | {"app_name": "not collected yet", "is_current": True},
    ]


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("stretch_does_not_end_before_it_begins", "last_seen_at = first_seen_at - interval '1 microsecond'"),
        ("answers_are_counted", "answers = 0"),
    ],
)
def test_an_impossible_period_is_refused(
    warehouse: Warehouse, engine: Engine, constraint: str, change: str
) -> None:
    record_states(engine, ReportedState("a", True, at(0)))
    with pytest.raises(errors.CheckViolation, match=constraint):
        warehouse.run(f"update core.push_stream_state set {change}", role="loader")
