"""Reading kept answers anew, without the vendor: after the decoder or the time zone was corrected."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agora.bandwidth import response_rows
from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.decode import decode
from agora.bandwidth.plan import Days
from agora.bandwidth.replay import replay
from agora.errors import ResponseRejected
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import Night, assert_true, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

Decoder = Callable[[bytes, date], NDArray[np.float64]]


def replayed(night: Night, first: date, last: date, *app_ids: str, correct_zone: bool = False) -> BatchResult:
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return replay(engine, first, last, app_ids, correct_zone=correct_zone)
    finally:
        engine.dispose()


def restatements(warehouse: Warehouse) -> list[tuple[int, int, bool, bool]]:
    rows = warehouse.rows("select * from mart.restatement order by usage_date, app_id")
    return [
        (
            row["points_changed"],
            row["points_added"],
            row["old_body_sha256"] == row["new_body_sha256"],
            row["new_body_sha256"] is None,
        )
        for row in rows
    ]


def refuse_everything(body: bytes, usage_date: date) -> NDArray[np.float64]:
    raise ResponseRejected("a mistake of the decoder")


def doubled(body: bytes, usage_date: date) -> NDArray[np.float64]:
    return 2 * decode(body, usage_date)


def first_point_dropped(body: bytes, usage_date: date) -> NDArray[np.float64]:
    points = decode(body, usage_date)
    points[0] = math.nan
    return points


def test_replaying_what_was_read_right_changes_nothing(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-4:]
        night.run(Days(days[0], days[-1]))
        before = night.ledger()
        sandbox.reset_stats()
        summary = replayed(night, days[0], days[-1])
        assert (summary.requested, summary.received, summary.changed) == (12, 12, 0)
        assert summary.points_received == 12 * 288
        assert night.ledger() == before
        assert sandbox.stats()["requests"] == 0, "the vendor was asked"


def test_days_that_a_faulty_decoder_refused_are_there_after_the_fix(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-3:]
        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        night.run(Days(days[0], days[-1]))
        assert set(night.states().values()) == {"rejected"}
        attempts = {row["attempts"] for row in night.ledger().values()}

        monkeypatch.undo()
        summary = replayed(night, days[0], days[-1])
        assert (summary.changed, summary.failures) == (6, {})
        assert_true(night, sandbox, product(sandbox.app_ids, days))
        assert {row["attempts"] for row in night.ledger().values()} == attempts
        assert restatements(warehouse) == []


@pytest.mark.parametrize("faulty", [doubled, first_point_dropped], ids=["wrong points", "too few points"])
def test_points_that_a_faulty_decoder_made_are_put_right(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, faulty: Decoder
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-2:]
        monkeypatch.setattr(response_rows, "decode", faulty)
        night.run(Days(days[0], days[-1]))
        wrong = night.ledger()

        monkeypatch.undo()
        replayed(night, days[0], days[-1])
        assert_true(night, sandbox, product(sandbox.app_ids, days))
        expected = [
            (
                sum(a is not None and a != b for a, b in zip(row["kbps"], sandbox.points(*key), strict=True)),
                row["kbps"].count(None),
                True,
                False,
            )
            for key, row in sorted(wrong.items())
        ]
        assert restatements(warehouse) == expected


def test_points_that_should_never_have_been_read_are_taken_back(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-1:]
        night.run(Days(days[0], days[0]))
        first, second = sandbox.app_ids

        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        summary = replayed(night, days[0], days[0], first)

        row = night.ledger()[first, days[0]]
        assert (row["state"], row["points"], row["kbps"]) == ("rejected", 0, None)
        assert row["reason"] == "a mistake of the decoder"
        assert row["collected_at"] is None
        assert list(summary.failures) == [first]
        assert "Still rejected" in summary.replayed()
        assert summary.changed == 1
        assert replayed(night, days[0], days[0], first).changed == 0, "that is nothing new"
        assert night.states()[second, days[0]] == "collected", "only the apps asked for"
        (kept,) = restatements(warehouse)
        assert kept == (288, 0, False, True)


LACKING = {"kind": "withhold", "slots": ["00:00"]}
FIRST_GAP = {"kind": "withhold", "slots": ["00:00", "00:05"]}
LATER_GAP = {"kind": "withhold", "slots": ["00:05", "00:10"]}
# What the vendor is told to do with each request, and which of the responses the points are from.
RESPONSES: dict[str, tuple[list[list[dict[str, Any]]], int]] = {
    "the newest of two that contradict": (
        [[{"kind": "restate", "factor": 3}], [{"kind": "restate", "factor": 2}]],
        1,
    ),
    "a response that only lacks points": (
        [[{"kind": "restate", "factor": 2}], [{"kind": "restate", "factor": 2}, LACKING]],
        0,
    ),
    "a response that contradicts with a point less": (
        [[{"kind": "restate", "factor": 2}], [LACKING]],
        1,
    ),
    "a rejected response": ([[{"kind": "restate", "factor": 2}], [{"kind": "body", "body": "<html>"}]], 0),
    "the same body before and after another": (
        [[{"kind": "zeros"}], [], [{"kind": "zeros"}]],
        2,
    ),
    "no response contradicts and none has more points": (
        [[FIRST_GAP], [LATER_GAP], [FIRST_GAP]],
        0,
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_replay_follows_the_rule_by_which_responses_were_loaded(warehouse: Warehouse, name: str) -> None:
    responses, counts = RESPONSES[name]
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id,) = sandbox.app_ids
        night.plan()
        for faults in responses:
            sandbox.put_faults(faults)
            night.collect([(app_id, day)])
        loaded = night.ledger()[app_id, day]
        assert loaded["collected_at"] == night.raw(app_id, day)[counts]["fetched_at"]

        assert replayed(night, day, day).changed == 0
        assert night.ledger()[app_id, day] == loaded

        warehouse.run("delete from core.app_day where usage_date = %s", (day,))
        replayed(night, day, day)
        again = night.ledger()[app_id, day]
        for name in ("starts_at", "state", "points", "kbps", "collected_at", "body_sha256", "conn_id"):
            assert again[name] == loaded[name], name


@pytest.mark.parametrize("responses", ["stored", "dropped by retention"])
def test_a_replay_keeps_the_zone_of_a_day_unless_told_to_correct_it(
    warehouse: Warehouse, responses: str
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-2]
        (app_id,) = sandbox.app_ids
        night.run(Days(day, day))
        before = night.ledger()[app_id, day]
        warehouse.run("update core.vendor_account set timezone = 'Etc/GMT-1'")
        if responses != "stored":
            warehouse.run("delete from raw.bandwidth_response")
        assert replayed(night, day, day).changed == 0
        assert night.ledger()[app_id, day] == before

        assert replayed(night, day, day, correct_zone=True).changed == 1
        after = night.ledger()[app_id, day]
        assert (before["starts_at"] - after["starts_at"]).total_seconds() == 3600
        assert after["kbps"] == before["kbps"]
        (kept,) = warehouse.rows("select * from mart.restatement")
        assert (kept["points_changed"], kept["moved_by"].total_seconds()) == (288, -3600)


def test_a_day_that_is_lost_is_found_in_its_stored_response(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        night.run(Days(day, day))
        night.let_pass(timedelta(days=40))
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "lost"
        replayed(night, day, day)
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "lost"

        monkeypatch.undo()
        replayed(night, day, day)
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "collected"
        assert_true(night, sandbox, product(sandbox.app_ids, [day]))


def test_points_whose_response_retention_dropped_stay(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        night.run(Days(day, day))
        before = night.ledger()
        warehouse.run("delete from raw.bandwidth_response")
        sandbox.put_faults([LACKING])
        night.collect(product(sandbox.app_ids, [day]))
        assert replayed(night, day, day).changed == 0
        assert night.points() == {key: (row["starts_at"], row["kbps"]) for key, row in before.items()}
