"""Partial days and rejected responses: recorded, requested again, and replaced by complete days."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from typing import Any

import pytest

from agora.bandwidth.plan import Days
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

WITHHELD = ["00:00", "07:35", "23:55"]
SLOTS = [0, 7 * 12 + 7, 287]


def test_withheld_points_are_null_and_the_day_is_requested_until_complete(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        gappy = (sandbox.app_ids[1], days[-3])
        fault = {"kind": "withhold", "app": 1, "usage_date": str(days[-3]), "slots": WITHHELD}
        sandbox.put_faults([fault])

        _, summary = night.run()

        row = night.ledger()[gappy]
        assert (row["state"], row["points"], row["reason"]) == (
            "partial",
            285,
            "the vendor delivered 285 of 288 points",
        )
        truth = sandbox.points(*gappy)
        assert row["kbps"] == [None if slot in SLOTS else kbps for slot, kbps in enumerate(truth)]
        assert summary.failures == {}, "a partial day is not a failure"
        assert summary.states["partial"] == 1

        planned, _ = night.run()
        assert keys(planned.app_days) == [gappy]
        again = night.ledger()[gappy]
        assert again["attempts"] == row["attempts"] + 1
        assert again["verified_at"] > row["verified_at"]
        changes = ("attempts", "verified_at", "version")
        assert {**again, **{name: row[name] for name in changes}} == row, (
            "an identical partial response changed the row"
        )

        sandbox.put_faults([])
        planned, summary = night.run()
        assert keys(planned.app_days) == [gappy]
        assert summary.states == {"collected": 1}
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert night.plan().app_days == []


def test_a_partial_day_gains_points_and_loses_none_to_incomplete_responses(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id,) = sandbox.app_ids
        points = []
        for withheld in (["00:00", "00:05"], ["00:00"], ["00:00", "00:05", "00:10"], ["00:05"]):
            sandbox.put_faults([{"kind": "withhold", "slots": withheld}])
            night.collect(night.plan().app_days)
            row = night.ledger()[app_id, day]
            points.append(row["points"])
        assert points == [286, 287, 287, 287]
        assert row["kbps"][0] is None, "the last response neither contradicts nor adds points"
        assert row["kbps"][1] is not None
        assert night.ledger()[app_id, day]["attempts"] >= 4


REJECTED: dict[str, dict[str, Any]] = {
    "not JSON": {"kind": "body", "body": "<html>Bad Gateway</html>"},
    "unit 'kBps' is not one of": {"kind": "body", "body": '{"date": "DAY", "unit": "kBps", "value": {}}'},
    "got '2001-01-01'": {
        "kind": "body",
        "body": '{"date": "2001-01-01", "unit": "kbps", "value": {}}',
    },
    "occurs twice": {
        "kind": "body",
        "body": '{"date": "DAY", "unit": "kbps", "value": {"00:00": 1, "00:00": 2}}',
    },
    "unknown field `message`": {"kind": "status", "status": 200, "body": {"message": "internal error"}},
    "Expected `object`, got `array`": {"kind": "body", "body": "[" * 500 + "]" * 500},
    "the compressed body cannot be read": {
        "kind": "body",
        "body": "{}",
        "headers": {"Content-Encoding": "gzip"},
    },
    "the body is larger than": {
        "kind": "body",
        "body_base64": base64.b64encode(gzip.compress(b" " * (1 << 21))).decode(),
        "headers": {"Content-Encoding": "gzip"},
    },
}


def test_rejected_responses_are_stored_and_requested_again_until_valid(warehouse: Warehouse) -> None:
    with running_sandbox(apps=len(REJECTED) + 1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        day = days[-1]
        faults = [
            {**fault, "app": app, "usage_date": str(day)} for app, fault in enumerate(REJECTED.values())
        ]
        for fault in faults:
            if isinstance(fault.get("body"), str):
                fault["body"] = fault["body"].replace("DAY", str(day))
        sandbox.put_faults(faults)

        _, summary = night.run()

        ledger = night.ledger()
        assert summary.states["rejected"] == len(REJECTED)
        assert set(summary.failures) == set(sandbox.app_ids[: len(REJECTED)])
        for reason, app_id in zip(REJECTED, sandbox.app_ids, strict=False):
            row = ledger[app_id, day]
            assert row["state"] == "rejected", reason
            assert reason in row["reason"]
            assert (row["kbps"], row["points"], row["http_status"]) == (None, 0, 200)
            *_, response = night.raw(app_id, day)
            assert bytes(response["body"]) == sandbox.fetch(app_id, day).body

        sandbox.put_faults([])
        planned, summary = night.run()
        assert set(keys(planned.app_days)) == product(sandbox.app_ids[: len(REJECTED)], [day])
        assert summary.states == {"collected": len(REJECTED)}
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_an_empty_object_is_a_day_without_points_and_not_zeros(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        body = f'{{"date": "{day}", "unit": "kbps", "value": {{}}}}'
        sandbox.put_faults([{"kind": "body", "usage_date": str(day), "body": body}])
        night.run()
        row = night.ledger()[sandbox.app_ids[0], day]
        assert (row["state"], row["points"], row["kbps"]) == ("partial", 0, [None] * 288)


@pytest.mark.parametrize("factor", [0, 2])
def test_a_restated_day_replaces_the_stored_one(warehouse: Warehouse, factor: int) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), sandbox.today() - timedelta(days=1)
        night.run(Days(day, day))
        sandbox.put_faults([{"kind": "restate", "factor": factor}])
        assert night.plan(Days(day, day)).app_days == []
        _, summary = night.run(Days(day, day, reload=True))
        assert summary.changed == 1
        (row,) = night.ledger().values()
        truth = sandbox.points(sandbox.app_ids[0], day)
        assert row["kbps"] == [factor * (kbps or 0) for kbps in truth]
        assert row["attempts"] == 2
