"""Restated days: settled days are requested again, and changes are recorded."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any

import pytest

from agora.bandwidth.plan import Days
from tests.bandwidth.collect.night import Night, assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

SETTLE_DAYS = 2


def set_collection_time(night: Night, days: list[date], *, hours_after_end: int) -> None:
    """Set the collection time of each day to the given number of hours after its end."""
    for table, moment in (
        ("core.app_day", "collected_at"),
        ("core.app_day", "verified_at"),
        ("raw.bandwidth_response", "fetched_at"),
    ):
        night.warehouse.run(
            f"update {table} set {moment} = usage_date::timestamp at time zone 'UTC'"
            " + interval '1 day' + %s * interval '1 hour' where usage_date = any(%s::date[])",
            (hours_after_end, days),
        )


def restatements(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from mart.restatement order by restated_at", role="analyst")


def test_a_day_collected_early_is_rechecked_once_when_settled(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=SETTLE_DAYS), window_days(sandbox)
        night.run()
        recent = days[-10:]
        set_collection_time(night, recent, hours_after_end=2)
        before = night.ledger()

        planned, _ = night.run()
        settled = recent[:-SETTLE_DAYS]
        assert keys(planned.app_days) == [(app_id, day) for day in settled for app_id in sandbox.app_ids]
        ledger = night.ledger()
        assert {key: row["kbps"] for key, row in ledger.items()} == {
            key: row["kbps"] for key, row in before.items()
        }
        for key, row in ledger.items():
            rechecked = key[1] in settled
            assert row["attempts"] == before[key]["attempts"] + rechecked
            assert (row["verified_at"] > before[key]["verified_at"]) == rechecked
            assert row["collected_at"] == before[key]["collected_at"], (
                "the points come from the first response"
            )
        assert planned.rechecks == len(planned.app_days)
        assert night.plan().app_days == [], "the days have already been re-checked"
        assert restatements(warehouse) == []


@pytest.mark.parametrize(("settle_days", "hours_after_end"), [(0, 2), (SETTLE_DAYS, 24 * SETTLE_DAYS + 1)])
def test_a_day_collected_when_settled_is_not_rechecked(
    warehouse: Warehouse, settle_days: int, hours_after_end: int
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=settle_days), window_days(sandbox)
        night.run()
        set_collection_time(night, days[-10:-4], hours_after_end=hours_after_end)
        assert night.plan().app_days == []


def test_missing_days_come_before_rechecks(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=SETTLE_DAYS), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night.run(Days(days[0], days[-2]))
        set_collection_time(night, [days[-6]], hours_after_end=2)
        assert keys(night.plan().app_days) == [(app_id, days[-1]), (app_id, days[-6])]


def test_a_restated_day_replaces_the_stored_one_and_the_change_is_recorded(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=SETTLE_DAYS), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        day = days[-6]
        night.run()
        set_collection_time(night, [day], hours_after_end=2)
        old = night.ledger()[app_id, day]
        sandbox.put_faults([{"kind": "restate", "factor": 2, "usage_date": str(day)}])

        planned, summary = night.run()

        assert keys(planned.app_days) == [(app_id, day)]
        assert summary.changed == 1
        new = night.ledger()[app_id, day]
        assert new["kbps"] == [2 * kbps for kbps in old["kbps"]]
        (restatement,) = restatements(warehouse)
        assert (restatement["app_id"], restatement["usage_date"]) == (app_id, day)
        assert restatement["points_changed"] == sum(kbps > 0 for kbps in old["kbps"])
        assert restatement["points_added"] == 0
        assert (restatement["old_collected_at"], restatement["new_collected_at"]) == (
            old["collected_at"],
            new["collected_at"],
        )
        bodies = [hashlib.sha256(bytes(row["body"])).hexdigest() for row in night.raw(app_id, day)]
        assert bodies == [restatement["old_body_sha256"], restatement["new_body_sha256"]]
        assert night.plan().app_days == []


def test_completing_a_day_later_records_the_added_points(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "withhold", "slots": ["00:00", "00:05"], "usage_date": str(days[-1])}])
        night.run()
        sandbox.put_faults([])
        night.run()
        (restatement,) = restatements(warehouse)
        assert (restatement["usage_date"], restatement["points_changed"], restatement["points_added"]) == (
            days[-1],
            0,
            2,
        )


def test_a_response_older_than_the_last_verification_changes_nothing(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night.run()
        before = night.points()
        warehouse.run("update core.app_day set verified_at = verified_at + interval '1 hour'")
        sandbox.put_faults([{"kind": "restate", "factor": 2}])
        assert night.collect([(app_id, days[-1])]).changed == 0
        assert night.points() == before
        assert restatements(warehouse) == []


def test_changed_and_added_points_are_counted_separately(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        for slots in (["00:00", "00:10", "00:15"], ["00:05", "00:10"]):
            sandbox.put_faults([{"kind": "withhold", "slots": slots, "usage_date": str(days[-1])}])
            night.run()
        (restatement,) = restatements(warehouse)
        assert (restatement["points_changed"], restatement["points_added"]) == (1, 2)


def test_the_same_points_in_a_different_format_are_not_a_restatement(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night.run()
        old = night.ledger()[app_id, days[-1]]
        body = json.dumps(json.loads(sandbox.fetch(app_id, days[-1]).body), indent=2)
        sandbox.put_faults([{"kind": "body", "body": body}])
        night.run(Days(days[-1], days[-1], reload=True))
        new = night.ledger()[app_id, days[-1]]
        assert bytes(new["body_sha256"]) == bytes(old["body_sha256"]), (
            "the points come from the first response"
        )
        assert new["attempts"] == old["attempts"] + 1
        assert restatements(warehouse) == []


def test_a_restated_day_with_a_missing_point_is_applied_and_requested_again(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=SETTLE_DAYS), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        night.run()
        set_collection_time(night, [days[-6]], hours_after_end=2)
        old = night.ledger()[app_id, days[-6]]["kbps"]
        sandbox.put_faults(
            [
                {"kind": "restate", "factor": 2},
                {"kind": "withhold", "slots": ["00:00"], "usage_date": str(days[-6])},
            ]
        )

        planned, summary = night.run()

        assert (planned.app_days, summary.changed) == ([(app_id, days[-6])], 1)
        row = night.ledger()[app_id, days[-6]]
        assert (row["state"], row["kbps"]) == ("partial", [None, *(2 * kbps for kbps in old[1:])])
        (restatement,) = restatements(warehouse)
        changed = 1 + sum(kbps > 0 for kbps in old[1:])
        assert (restatement["points_changed"], restatement["points_added"]) == (changed, 0)
        assert night.plan().app_days == [(app_id, days[-6])], "a partial day is requested again"


def test_a_failed_recheck_is_repeated_the_next_night(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=SETTLE_DAYS), window_days(sandbox)
        night.run()
        set_collection_time(night, [days[-6]], hours_after_end=2)
        for fault in ({"kind": "status", "status": 404}, {"kind": "body", "body": "<html>"}):
            sandbox.put_faults([fault])
            _, summary = night.run()
            assert len(summary.failures) == 1
        sandbox.put_faults([])
        planned, _ = night.run()
        assert keys(planned.app_days) == [(sandbox.app_ids[0], days[-6])]
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_a_day_is_not_rechecked_before_it_has_settled(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=20), window_days(sandbox)
        night.run()
        set_collection_time(night, days[-25:], hours_after_end=2)
        assert [day for _, day in keys(night.plan().app_days)] == [
            day for day in days[-25:] if day < sandbox.today() - timedelta(days=20)
        ]
