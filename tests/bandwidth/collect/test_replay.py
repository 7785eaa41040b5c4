"""Replaying stored responses without the vendor, after the decoder or the time zone was corrected."""

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
from tests.bandwidth.collect.night import Night, assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

Decoder = Callable[[bytes, date], NDArray[np.float64]]


def run_replay(
    night: Night, first: date, last: date, *app_ids: str, correct_zone: bool = False
) -> BatchResult:
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


def test_replaying_correctly_decoded_responses_changes_nothing(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-4:]
        night.run(Days(days[0], days[-1]))
        before = night.ledger()
        sandbox.reset_stats()
        summary = run_replay(night, days[0], days[-1])
        assert (summary.requested, summary.received, summary.changed) == (12, 12, 0)
        assert summary.points_received == 12 * 288
        assert night.ledger() == before
        assert sandbox.stats()["requests"] == 0, "the replay sent requests to the vendor"


def test_days_rejected_by_a_faulty_decoder_are_collected_after_the_fix(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-3:]
        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        night.run(Days(days[0], days[-1]))
        assert set(night.states().values()) == {"rejected"}
        attempts = {row["attempts"] for row in night.ledger().values()}

        monkeypatch.undo()
        summary = run_replay(night, days[0], days[-1])
        assert (summary.changed, summary.failures) == (6, {})
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert {row["attempts"] for row in night.ledger().values()} == attempts
        assert restatements(warehouse) == []


@pytest.mark.parametrize("faulty", [doubled, first_point_dropped], ids=["wrong points", "too few points"])
def test_points_from_a_faulty_decoder_are_corrected(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, faulty: Decoder
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-2:]
        monkeypatch.setattr(response_rows, "decode", faulty)
        night.run(Days(days[0], days[-1]))
        wrong = night.ledger()

        monkeypatch.undo()
        run_replay(night, days[0], days[-1])
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
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


def test_points_from_a_response_that_is_now_rejected_are_removed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-1:]
        night.run(Days(days[0], days[0]))
        first, second = sandbox.app_ids

        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        summary = run_replay(night, days[0], days[0], first)

        row = night.ledger()[first, days[0]]
        assert (row["state"], row["points"], row["kbps"]) == ("rejected", 0, None)
        assert row["reason"] == "a mistake of the decoder"
        assert row["collected_at"] is None
        assert list(summary.failures) == [first]
        assert "Still rejected" in summary.replayed()
        assert summary.changed == 1
        assert run_replay(night, days[0], days[0], first).changed == 0, "a second replay changes nothing"
        assert night.states()[second, days[0]] == "collected", "the replay was limited to the first app"
        (restatement,) = restatements(warehouse)
        assert restatement == (288, 0, False, True)


INCOMPLETE = {"kind": "withhold", "slots": ["00:00"]}
FIRST_GAP = {"kind": "withhold", "slots": ["00:00", "00:05"]}
LATER_GAP = {"kind": "withhold", "slots": ["00:05", "00:10"]}
# The faults for each request, and the index of the response that provides the stored points.
RESPONSES: dict[str, tuple[list[list[dict[str, Any]]], int]] = {
    "the newest of two contradicting responses": (
        [[{"kind": "restate", "factor": 3}], [{"kind": "restate", "factor": 2}]],
        1,
    ),
    "a response that only lacks points": (
        [[{"kind": "restate", "factor": 2}], [{"kind": "restate", "factor": 2}, INCOMPLETE]],
        0,
    ),
    "a contradicting response with a missing point": (
        [[{"kind": "restate", "factor": 2}], [INCOMPLETE]],
        1,
    ),
    "a rejected response": ([[{"kind": "restate", "factor": 2}], [{"kind": "body", "body": "<html>"}]], 0),
    "the same body before and after another": (
        [[{"kind": "zeros"}], [], [{"kind": "zeros"}]],
        2,
    ),
    "no response contradicts or adds points": (
        [[FIRST_GAP], [LATER_GAP], [FIRST_GAP]],
        0,
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_replay_follows_the_same_rules_as_loading(warehouse: Warehouse, name: str) -> None:
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

        assert run_replay(night, day, day).changed == 0
        assert night.ledger()[app_id, day] == loaded

        warehouse.run("delete from core.app_day where usage_date = %s", (day,))
        run_replay(night, day, day)
        again = night.ledger()[app_id, day]
        for name in ("starts_at", "state", "points", "kbps", "collected_at", "body_sha256", "conn_id"):
            assert again[name] == loaded[name], name


@pytest.mark.parametrize("responses", ["stored", "dropped by retention"])
def test_a_replay_keeps_the_zone_of_a_day_unless_correct_zone_is_set(
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
        assert run_replay(night, day, day).changed == 0
        assert night.ledger()[app_id, day] == before

        assert run_replay(night, day, day, correct_zone=True).changed == 1
        after = night.ledger()[app_id, day]
        assert (before["starts_at"] - after["starts_at"]).total_seconds() == 3600
        assert after["kbps"] == before["kbps"]
        (restatement,) = warehouse.rows("select * from mart.restatement")
        assert (restatement["points_changed"], restatement["moved_by"].total_seconds()) == (288, -3600)


def test_a_lost_day_is_recovered_from_its_stored_response(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        monkeypatch.setattr(response_rows, "decode", refuse_everything)
        night.run(Days(day, day))
        night.shift_clocks(timedelta(days=40))
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "lost"
        run_replay(night, day, day)
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "lost"

        monkeypatch.undo()
        run_replay(night, day, day)
        assert night.coverage()[sandbox.app_ids[0], day]["state"] == "collected"
        assert_collected(night, sandbox, product(sandbox.app_ids, [day]))


def test_points_stay_after_retention_dropped_their_response(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        night.run(Days(day, day))
        before = night.ledger()
        warehouse.run("delete from raw.bandwidth_response")
        sandbox.put_faults([INCOMPLETE])
        night.collect(product(sandbox.app_ids, [day]))
        assert run_replay(night, day, day).changed == 0
        assert night.points() == {key: (row["starts_at"], row["kbps"]) for key, row in before.items()}
