"""Loading a normalised batch: which answer wins over which, and that nothing is written without need."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from agora.bandwidth.normalise import Outcome, normalise
from agora.warehouse import app_days, lost
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import App, Warehouse

DAY = date(2026, 11, 1)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER, EARLIER = NOON + timedelta(hours=1), NOON - timedelta(hours=1)


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    warehouse.add_account()
    warehouse.add_apps([App("a1", DAY), App("b2", DAY)])
    made = warehouse_engine(warehouse.url("loader"))
    yield made
    made.dispose()


def sound(
    kbps: float = 1.0, points: int = 288, at: datetime = NOON, day: date = DAY, app_id: str = "a1"
) -> Outcome:
    rates = [kbps] * points + [math.nan] * (288 - points)
    digest = hashlib.sha256(f"{kbps} {points}".encode()).digest()
    return Outcome(app_id, day, rates, http_status=200, collected_at=at, body_sha256=digest)


FAILED = Outcome("a1", DAY, http_status=500, reason="HTTP 500")
REJECTED = Outcome("a1", DAY, http_status=200, reason="not JSON", rejected=True, body_sha256=b"\x01" * 32)
NOT_ASKED = replace(FAILED, attempts=0, http_status=404, reason="HTTP 404")


def load(engine: Engine, *outcomes: Outcome) -> int:
    with engine.begin() as connection:
        return app_days.load(connection, normalise(outcomes, "UTC"))


def row(warehouse: Warehouse) -> dict[str, Any]:
    (found,) = warehouse.rows("select *, xmin::text as version from core.app_day")
    return found


def test_a_first_answer_is_loaded_as_it_is(warehouse: Warehouse, engine: Engine) -> None:
    assert load(engine, sound(7.5, 287)) == 1
    held = row(warehouse)
    assert (held["state"], held["points"], held["attempts"], held["http_status"]) == ("partial", 287, 1, 200)
    assert held["kbps"] == [7.5] * 287 + [None]
    assert held["starts_at"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert held["collected_at"] == NOON


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (sound(), sound()),
        (sound(), sound(at=LATER)),
        (sound(), sound(at=EARLIER)),
        (sound(2), sound(1, at=EARLIER)),
        (sound(2), sound(1)),
        (sound(2), sound(1, points=287, at=LATER)),
        (sound(2, points=5), sound(1, points=4, at=LATER)),
        (sound(2, points=5), sound(1, points=0, at=LATER)),
        (sound(2, points=0), sound(1, points=288, at=EARLIER)),
        (sound(), FAILED),
        (sound(), REJECTED),
        (sound(points=3), FAILED),
        (sound(points=0), REJECTED),
    ],
    ids=[
        "the very same",
        "the same body later",
        "the same body earlier",
        "an older answer",
        "another of the same moment",
        "a less complete one",
        "a less complete one on a partial day",
        "an empty one on a partial day",
        "an older one though more complete",
        "a failure",
        "a rejected answer",
        "a failure on a partial day",
        "a rejected answer on an empty day",
    ],
)
def test_what_changes_nothing_leaves_the_row_untouched(
    warehouse: Warehouse, engine: Engine, first: Outcome, then: Outcome
) -> None:
    load(engine, first)
    before = row(warehouse)
    assert load(engine, then) == 0
    assert row(warehouse) == before, "not even rewritten: xmin stays"


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [
        (sound(1), sound(2, at=LATER), "collected"),
        (sound(1, points=5), sound(2, points=6, at=LATER), "partial"),
        (sound(1, points=5), sound(2, points=5, at=LATER), "partial"),
        (sound(1, points=0), sound(2, at=LATER), "collected"),
        (FAILED, sound(2), "collected"),
        (REJECTED, sound(2, points=1), "partial"),
        (FAILED, REJECTED, "rejected"),
        (REJECTED, FAILED, "failed"),
        (FAILED, FAILED, "failed"),
    ],
    ids=[
        "a restated day",
        "a more complete one",
        "a restated partial day",
        "points after none",
        "points after a failure",
        "points after a rejected answer",
        "a rejected answer after a failure",
        "a failure after a rejected answer",
        "another failure, counted",
    ],
)
def test_what_is_newer_and_no_worse_replaces(
    warehouse: Warehouse, engine: Engine, first: Outcome, then: Outcome, state: str
) -> None:
    load(engine, first)
    assert load(engine, then) == 1
    held = row(warehouse)
    assert (held["state"], held["attempts"], held["http_status"]) == (state, 2, then.http_status)
    given = None if then.kbps is None else np.asarray(then.kbps).tolist()
    expected = given and [None if math.isnan(kbps) else kbps for kbps in given]
    assert held["kbps"] == expected
    assert held["collected_at"] == then.collected_at
    assert held["body_sha256"] is None or bytes(held["body_sha256"]) == then.body_sha256


def test_the_same_body_is_other_points_in_another_time_zone(warehouse: Warehouse, engine: Engine) -> None:
    load(engine, sound())
    with engine.begin() as connection:
        assert app_days.load(connection, normalise([sound(at=LATER)], "Asia/Shanghai")) == 1
    assert row(warehouse)["starts_at"] == datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_a_day_not_asked_is_entered_without_an_attempt(warehouse: Warehouse, engine: Engine) -> None:
    load(engine, FAILED)
    load(engine, NOT_ASKED)
    held = row(warehouse)
    assert (held["attempts"], held["reason"]) == (1, "HTTP 404")


def mark_lost(engine: Engine, reason: str = "out of the window") -> int:
    with engine.begin() as connection:
        return lost.mark(connection, [("a1", DAY)], reason, http_status=400)


@pytest.mark.parametrize("outcome", [FAILED, REJECTED])
def test_a_lost_day_stays_lost_until_there_are_points(
    warehouse: Warehouse, engine: Engine, outcome: Outcome
) -> None:
    assert mark_lost(engine) == 1
    assert mark_lost(engine) == 0
    before = row(warehouse)
    assert (before["state"], before["attempts"], before["http_status"]) == ("lost", 0, 400)
    assert load(engine, outcome) == 0
    assert row(warehouse) == before
    assert load(engine, sound()) == 1
    assert row(warehouse)["state"] == "collected"


def test_a_lost_day_keeps_why_it_had_failed_before(warehouse: Warehouse, engine: Engine) -> None:
    load(engine, FAILED)
    assert mark_lost(engine) == 1
    assert row(warehouse)["reason"] == "out of the window; before that: HTTP 500"


@pytest.mark.parametrize("points", [0, 5, 288])
def test_a_day_with_an_answer_is_never_lost(warehouse: Warehouse, engine: Engine, points: int) -> None:
    load(engine, sound(points=points))
    before = row(warehouse)
    assert mark_lost(engine) == 0
    assert row(warehouse) == before


def test_a_batch_is_loaded_whole_or_not_at_all(warehouse: Warehouse, engine: Engine) -> None:
    broken = normalise([sound(), sound(app_id="b2")], "UTC")
    broken.loc[[("b2", DAY)], "points"] = 5
    with pytest.raises(IntegrityError, match="points_are_the_slots_present"), engine.begin() as connection:
        app_days.load(connection, broken)
    assert warehouse.rows("select 1 from core.app_day") == []


def test_loaders_of_the_same_days_wait_for_each_other(warehouse: Warehouse, engine: Engine) -> None:
    days = [DAY + timedelta(days=offset) for offset in range(200)]
    failures: list[BaseException] = []

    def loader(number: int) -> None:
        at = NOON + timedelta(minutes=number)
        batch = normalise(
            [sound(number, at=at, day=day, app_id=app_id) for app_id in ("a1", "b2") for day in days], "UTC"
        )
        try:
            for _ in range(5):
                with engine.begin() as connection:
                    app_days.load(connection, batch if number % 2 else batch.iloc[::-1])
        except BaseException as error:  # whatever it is, the test's thread must see it
            failures.append(error)

    threads = [threading.Thread(target=loader, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    (held,) = warehouse.rows("select count(*), min(kbps[1]), max(kbps[288]) from core.app_day")
    assert tuple(held.values()) == (400, 4.0, 4.0), "the newest answer won everywhere"
