"""Reading kept answers anew, without the vendor: after the decoder or the time zone was corrected."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from agora.bandwidth import reading
from agora.bandwidth.payload import decode
from agora.bandwidth.plan import Days
from agora.bandwidth.replay import replay
from agora.bandwidth.summary import Summary
from agora.errors import AnswerRejected
from agora.warehouse.engine import warehouse_engine
from sandbox.testing import running_sandbox
from tests.collect.night import Night, assert_true, night_of, product, window_days
from tests.warehouse.database import Warehouse

Decoder = Callable[[bytes, date], NDArray[np.float64]]


def replayed(night: Night, first: date, last: date, *app_ids: str) -> Summary:
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return replay(engine, first, last, app_ids)
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
    raise AnswerRejected("a mistake of the decoder")


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
        assert (summary.app_days, summary.changed, summary.states) == (12, 0, {"collected": 12})
        assert night.ledger() == before
        assert sandbox.stats()["requests"] == 0, "the vendor was asked"


def test_days_that_a_faulty_decoder_refused_are_there_after_the_fix(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-3:]
        monkeypatch.setattr(reading, "decode", refuse_everything)
        night.run(Days(days[0], days[-1]))
        assert set(night.states().values()) == {"rejected"}

        monkeypatch.undo()
        summary = replayed(night, days[0], days[-1])
        assert (summary.changed, summary.failures) == (6, {})
        assert_true(night, sandbox, product(sandbox.app_ids, days))
        assert {row["attempts"] for row in night.ledger().values()} == {1}
        assert restatements(warehouse) == []


@pytest.mark.parametrize("faulty", [doubled, first_point_dropped], ids=["wrong points", "too few points"])
def test_points_that_a_faulty_decoder_made_are_put_right(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, faulty: Decoder
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-2:]
        monkeypatch.setattr(reading, "decode", faulty)
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

        monkeypatch.setattr(reading, "decode", refuse_everything)
        summary = replayed(night, days[0], days[0], first)

        row = night.ledger()[first, days[0]]
        assert (row["state"], row["points"], row["kbps"]) == ("rejected", 0, None)
        assert row["reason"] == "a mistake of the decoder"
        assert row["collected_at"] is None
        assert list(summary.failures) == [first]
        assert "Still refused" in summary.replayed()
        assert summary.changed == 1
        assert replayed(night, days[0], days[0], first).changed == 0, "that is nothing new"
        assert night.states()[second, days[0]] == "collected", "only the apps asked for"
        (kept,) = restatements(warehouse)
        assert kept == (288, 0, False, True)


def test_of_several_answers_the_most_complete_counts_and_the_latest_of_those(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id,) = sandbox.app_ids
        truth = sandbox.points(app_id, day)
        night.plan()
        for faults in (
            [{"kind": "restate", "factor": 3}],
            [{"kind": "restate", "factor": 2}],
            [{"kind": "withhold", "slots": ["00:00"]}],
            [{"kind": "body", "body": "<html>"}],
        ):
            sandbox.put_faults(faults)
            night.collect([(app_id, day)])
        warehouse.run("delete from core.app_day")

        replayed(night, day, day)
        row = night.ledger()[app_id, day]
        assert row["kbps"] == [2 * kbps for kbps in truth if kbps is not None]
        assert row["collected_at"] == night.raw(app_id, day)[1]["fetched_at"]


def test_a_corrected_time_zone_moves_the_days(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-2]
        (app_id,) = sandbox.app_ids
        night.run(Days(day, day))
        before = night.ledger()[app_id, day]
        warehouse.run("update core.vendor_account set timezone = 'Etc/GMT-1'")
        assert replayed(night, day, day).changed == 1
        after = night.ledger()[app_id, day]
        assert (before["starts_at"] - after["starts_at"]).total_seconds() == 3600
        assert after["kbps"] == before["kbps"]


def test_a_lost_day_whose_answer_was_kept_is_found_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        monkeypatch.setattr(reading, "decode", refuse_everything)
        night.run(Days(day, day))
        warehouse.run("update core.app_day set state = 'lost'")
        replayed(night, day, day)
        assert set(night.states().values()) == {"lost"}, "an answer that is still refused finds nothing"
        monkeypatch.undo()
        replayed(night, day, day)
        assert_true(night, sandbox, product(sandbox.app_ids, [day]))
