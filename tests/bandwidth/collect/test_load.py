"""Loading a normalised batch: which response replaces which, and when nothing is written."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from agora.bandwidth.normalise import Outcome, normalise
from agora.warehouse import merge_app_days
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.schema_version import SQL
from tests.warehouse.database import App, Warehouse

DAY = date(2026, 11, 1)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER, EARLIER = NOON + timedelta(hours=1), NOON - timedelta(hours=1)


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    warehouse.add_account()
    warehouse.add_apps([App("a1", DAY), App("b2", DAY)])
    loader_engine = warehouse_engine(warehouse.url("loader"))
    yield loader_engine
    loader_engine.dispose()


def sound(
    kbps: float = 1.0, points: int = 288, at: datetime = NOON, day: date = DAY, app_id: str = "a1"
) -> Outcome:
    rates = [kbps] * points + [math.nan] * (288 - points)
    digest = hashlib.sha256(f"{kbps} {points}".encode()).digest()
    return Outcome(app_id, day, rates, http_status=200, collected_at=at, body_sha256=digest)


FAILED = Outcome("a1", DAY, http_status=500, reason="HTTP 500")
REJECTED = Outcome("a1", DAY, http_status=200, reason="not JSON", rejected=True, body_sha256=b"\x01" * 32)


def load(engine: Engine, *outcomes: Outcome) -> int:
    with engine.begin() as connection:
        return merge_app_days.load(connection, normalise(outcomes, "UTC"), "agora_dashboard")


def row(warehouse: Warehouse) -> dict[str, Any]:
    (found,) = warehouse.rows("select * from core.app_day")
    return found


def test_a_first_response_is_loaded_unchanged(warehouse: Warehouse, engine: Engine) -> None:
    assert load(engine, sound(7.5, 287)) == 1
    stored = row(warehouse)
    assert (stored["state"], stored["points"], stored["attempts"], stored["http_status"]) == (
        "partial",
        287,
        1,
        200,
    )
    assert stored["kbps"] == [7.5] * 287 + [None]
    assert stored["starts_at"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert stored["collected_at"] == NOON


GRIDS = {
    "whole numbers": (list(map(float, range(288))), True),
    "the largest whole number of four bytes": ([2.0**31 - 1] * 288, True),
    "a larger whole number": ([2.0**31, *[5.0] * 287], False),
    "the largest rate": ([1e11] * 288, False),
    "a fraction": ([0.5, *[5.0] * 287], False),
    "a fraction beside gaps": ([0.1, math.nan, *[0.2] * 286], False),
    "whole numbers beside gaps": ([math.nan, *map(float, range(287))], True),
    "a larger whole number beside gaps": ([math.nan, 2.0**31, *[5.0] * 286], False),
    "fewer points than the largest ones": ([*[math.nan] * 280, *map(float, range(8))], True),
    "no points": ([math.nan] * 288, True),
    "minus zero": ([-0.0] * 288, True),
}


@pytest.mark.parametrize("before", [None, "whole numbers", "a fraction beside gaps"])
@pytest.mark.parametrize("name", GRIDS)
def test_points_are_stored_with_their_figures_as_integers_where_they_fit(
    warehouse: Warehouse, engine: Engine, name: str, before: str | None
) -> None:
    if before:
        load(engine, Outcome("a1", DAY, GRIDS[before][0], collected_at=EARLIER, body_sha256=b"\x02" * 32))
    rates, fits = GRIDS[name]
    outcome = Outcome("a1", DAY, rates, collected_at=NOON, body_sha256=b"\x01" * 32)
    with engine.begin() as connection:
        merge_app_days.replace(connection, normalise([outcome], "UTC"))
    stored = row(warehouse)
    present = sorted((rate for rate in rates if not math.isnan(rate)), reverse=True)
    assert stored["kbps"] == [None if math.isnan(rate) else rate for rate in rates]
    assert (stored["kbps_int4"] is not None, stored["kbps_float8"] is not None) == (fits, not fits)
    assert stored["top_kbps"] == (present + [None] * 15)[:15]
    assert stored["sum_kbps"] == (pytest.approx(math.fsum(present), rel=1e-12) if present else None)
    warehouse.run("update core.app_day set collected_at = now()")
    (check,) = warehouse.rows((SQL / "checks" / "stored_figures_match_their_points.sql").read_text("utf-8"))
    assert set(check.values()) == {True}


def test_a_replay_corrects_wrong_figures(warehouse: Warehouse, engine: Engine) -> None:
    load(engine, sound())
    warehouse.run("update core.app_day set sum_kbps = 1, top_kbps[1] = 9")
    with engine.begin() as connection:
        assert merge_app_days.replace(connection, normalise([sound()], "UTC")) == 0
    stored = row(warehouse)
    assert (stored["sum_kbps"], stored["top_kbps"]) == (288, [1] * 15)
    assert warehouse.rows("select * from core.restatement") == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (sound(), sound()),
        (sound(), sound(at=LATER)),
        (sound(), sound(at=EARLIER)),
        (sound(2), sound(1, at=EARLIER)),
        (sound(2), sound(1)),
        (sound(2), sound(2, points=287, at=LATER)),
        (sound(2, points=5), sound(2, points=4, at=LATER)),
        (sound(2, points=5), sound(2, points=0, at=LATER)),
        (sound(2), sound(1, points=287, at=EARLIER)),
        (sound(2, points=0), sound(1, points=288, at=EARLIER)),
        (sound(), FAILED),
        (sound(), REJECTED),
        (sound(points=3), FAILED),
        (sound(points=0), REJECTED),
    ],
    ids=[
        "an identical response",
        "the same body later",
        "the same body earlier",
        "an older response",
        "a different one from the same moment",
        "one that lacks a point",
        "one that lacks a point of a partial day",
        "an empty one after a partial day",
        "an older one that contradicts",
        "an older but more complete one",
        "a failure",
        "a rejected response",
        "a failure after a partial day",
        "a rejected response after an empty day",
    ],
)
def test_a_response_that_changes_no_point_is_only_counted(
    warehouse: Warehouse, engine: Engine, first: Outcome, then: Outcome
) -> None:
    load(engine, first)
    before = row(warehouse)
    assert load(engine, then) == 0
    newest = max(first.collected_at or NOON, then.collected_at or NOON)
    assert row(warehouse) == {**before, "attempts": 2, "verified_at": newest}
    assert warehouse.rows("select 1 from core.restatement") == []


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [
        (sound(1), sound(2, at=LATER), "collected"),
        (sound(1, points=5), sound(2, points=6, at=LATER), "partial"),
        (sound(1, points=5), sound(2, points=5, at=LATER), "partial"),
        (sound(2), sound(1, points=287, at=LATER), "partial"),
        (sound(0), sound(1, points=1, at=LATER), "partial"),
        (sound(1, points=0), sound(2, at=LATER), "collected"),
        (FAILED, sound(2), "collected"),
        (REJECTED, sound(2, points=1), "partial"),
    ],
    ids=[
        "a restated day",
        "a more complete one",
        "a restated partial day",
        "a restated day with a missing point",
        "a single point that contradicts zeros",
        "points after an empty day",
        "points after a failure",
        "points after a rejected response",
    ],
)
def test_a_newer_response_that_contradicts_or_adds_points_replaces_the_day(
    warehouse: Warehouse, engine: Engine, first: Outcome, then: Outcome, state: str
) -> None:
    load(engine, first)
    assert load(engine, then) == 1
    stored = row(warehouse)
    assert (stored["state"], stored["attempts"], stored["http_status"]) == (state, 2, then.http_status)
    given = None if then.kbps is None else np.asarray(then.kbps).tolist()
    expected = given and [None if math.isnan(kbps) else kbps for kbps in given]
    assert stored["kbps"] == expected
    assert stored["collected_at"] == stored["verified_at"] == then.collected_at
    assert stored["body_sha256"] is None or bytes(stored["body_sha256"]) == then.body_sha256


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [(FAILED, REJECTED, "rejected"), (REJECTED, FAILED, "failed"), (FAILED, FAILED, "failed")],
    ids=["rejected after failed", "failed after rejected", "failed again"],
)
def test_a_day_without_points_has_the_outcome_of_its_last_request(
    warehouse: Warehouse, engine: Engine, first: Outcome, then: Outcome, state: str
) -> None:
    load(engine, first)
    assert load(engine, then) == 0, "no point changed"
    stored = row(warehouse)
    assert (stored["state"], stored["attempts"], stored["http_status"]) == (state, 2, then.http_status)
    assert (stored["reason"], stored["verified_at"], stored["kbps"]) == (then.reason, None, None)


@pytest.mark.parametrize(
    ("then", "changed", "added", "old_sum", "new_sum", "is_drop"),
    [
        (sound(1, points=4, at=LATER), 5, 0, 10.0, 4.0, True),
        (sound(1, points=5, at=LATER), 5, 0, 10.0, 5.0, False),
        (sound(2, points=7, at=LATER), 0, 2, 10.0, 14.0, False),
    ],
    ids=["less than half, with a missing point", "half", "more points"],
)
def test_a_restatement_records_changed_points_and_sums(
    warehouse: Warehouse,
    engine: Engine,
    then: Outcome,
    changed: int,
    added: int,
    old_sum: float,
    new_sum: float,
    is_drop: bool,
) -> None:
    load(engine, sound(2, points=5))
    load(engine, then)
    (restatement,) = warehouse.rows("select * from mart.restatement", role="analyst")
    assert (restatement["points_changed"], restatement["points_added"]) == (changed, added)
    assert (restatement["old_sum_kbps"], restatement["new_sum_kbps"]) == (old_sum, new_sum)
    assert (restatement["is_drop"], restatement["moved_by"]) == (is_drop, timedelta())


def test_unchanged_points_stay_in_the_zone_they_were_collected_in(
    warehouse: Warehouse, engine: Engine
) -> None:
    load(engine, sound())
    with engine.begin() as connection:
        assert merge_app_days.load(connection, normalise([sound(at=LATER)], "Asia/Shanghai"), "shanghai") == 0
    stored = row(warehouse)
    assert (stored["starts_at"], stored["conn_id"]) == (datetime(2026, 11, 1, tzinfo=UTC), "agora_dashboard")


def test_changed_points_from_another_account_move_the_day_to_its_zone(
    warehouse: Warehouse, engine: Engine
) -> None:
    load(engine, sound())
    with engine.begin() as connection:
        assert (
            merge_app_days.load(connection, normalise([sound(2, at=LATER)], "Asia/Shanghai"), "shanghai") == 1
        )
    stored = row(warehouse)
    assert (stored["starts_at"], stored["conn_id"]) == (datetime(2026, 10, 31, 16, tzinfo=UTC), "shanghai")
    (restatement,) = warehouse.rows("select * from mart.restatement")
    assert (restatement["points_changed"], restatement["moved_by"]) == (288, timedelta(hours=-8))


def test_a_batch_is_loaded_completely_or_not_at_all(warehouse: Warehouse, engine: Engine) -> None:
    broken = normalise([sound(), sound(app_id="b2")], "UTC")
    broken.loc[[("b2", DAY)], "points"] = 5
    with pytest.raises(IntegrityError, match="points_are_the_slots_present"), engine.begin() as connection:
        merge_app_days.load(connection, broken, "agora_dashboard")
    assert warehouse.rows("select 1 from core.app_day") == []


def test_concurrent_loaders_of_the_same_days_wait_for_each_other(
    warehouse: Warehouse, engine: Engine
) -> None:
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
                    merge_app_days.load(
                        connection, batch if number % 2 else batch.iloc[::-1], "agora_dashboard"
                    )
        except BaseException as error:  # the test's thread must see every error
            failures.append(error)

    threads = [threading.Thread(target=loader, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    (stored,) = warehouse.rows("select count(*), min(kbps[1]), max(kbps[288]) from core.app_day")
    assert tuple(stored.values()) == (400, 4.0, 4.0), "the newest response must win everywhere"
