"""A newer response that contradicts stored points replaces the day. Missing points alone change nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from agora.bandwidth.plan import Days
from agora.bandwidth.replay import replay
from agora.settings.apps import parse_apps
from agora.warehouse import suspicious_responses
from agora.warehouse.engine import warehouse_engine
from sandbox.traffic.slots import SLOT_LABELS
from tests.bandwidth.collect.night import Night, assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

EIGHT = list(SLOT_LABELS[100:108])
ALL_ZERO = [0.0] * 288


def notes(night: Night, since: timedelta = timedelta(hours=1)) -> list[str]:
    """Return the lines about suspicious responses in a run note."""
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        with engine.connect() as connection:
            return suspicious_responses.describe(connection, datetime.now(UTC) - since)
    finally:
        engine.dispose()


def in_transaction(night: Night, work: Any) -> None:
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        with engine.begin() as connection:
            work(connection)
    finally:
        engine.dispose()


def restatements(night: Night) -> list[dict[str, Any]]:
    return night.warehouse.rows("select * from mart.restatement order by restated_at", role="analyst")


def without(points: list[Any], slots: list[str]) -> list[Any]:
    return [None if label in slots else kbps for label, kbps in zip(SLOT_LABELS, points, strict=True)]


def test_early_zeros_are_replaced_by_the_true_points(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id, _), days = sandbox.app_ids, Days(day, day, reload=True)
        sandbox.put_faults([{"kind": "zeros"}])
        night.run(days)
        assert night.ledger()[app_id, day]["kbps"] == ALL_ZERO
        sandbox.put_faults([{"kind": "withhold", "slots": EIGHT}])

        _, summary = night.run(days)

        truth = sandbox.points(app_id, day)
        row = night.ledger()[app_id, day]
        assert (row["state"], row["points"], row["kbps"]) == ("partial", 280, without(truth, EIGHT))
        assert summary.states == {"partial": 2}
        first = next(restatement for restatement in restatements(night) if restatement["app_id"] == app_id)
        changed = sum(kbps != 0 for kbps in without(truth, EIGHT))
        assert (first["points_changed"], first["points_added"], first["is_drop"]) == (changed, 0, False)
        assert (first["old_sum_kbps"], first["new_sum_kbps"]) == (0, sum(filter(None, row["kbps"])))
        (month,) = warehouse.rows(
            "select * from mart.billing_monthly where app_id = %s and days > 0", (app_id,), "analyst"
        )
        assert month["p95_kbps"] > 0
        assert not month["is_final"]

        # The day is requested again until it is complete, and not afterwards.
        planned, _ = night.run(Days(day, day))
        assert set(keys(planned.app_days)) == product(sandbox.app_ids, [day])
        sandbox.put_faults([])
        night.run(Days(day, day))
        assert night.plan(Days(day, day)).app_days == []
        assert_collected(night, sandbox, product(sandbox.app_ids, [day]))


@pytest.mark.parametrize("missing_slots", [["00:00"], EIGHT, list(SLOT_LABELS)])
def test_a_response_that_only_lacks_points_changes_nothing(
    warehouse: Warehouse, missing_slots: list[str]
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        night.run(Days(day, day))
        before = night.points()
        sandbox.put_faults([{"kind": "withhold", "slots": missing_slots}])

        _, summary = night.run(Days(day, day, reload=True))

        assert (summary.changed, night.points(), restatements(night)) == (0, before, [])
        (row,) = night.ledger().values()
        assert (row["state"], row["attempts"]) == ("collected", 2)
        assert row["verified_at"] > row["collected_at"]
        assert night.plan(Days(day, day)).app_days == []


def test_a_restatement_to_less_than_half_is_applied_and_reported_until_reviewed(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        app_id, halved, grown = sandbox.app_ids
        night.apps = parse_apps([{"app_id": app_id, "name": "lobby"}, halved, grown])
        night.run(Days(day, day))
        sandbox.put_faults(
            [
                {"kind": "restate", "factor": 0.25, "app_id": app_id},
                {"kind": "restate", "factor": 0.6, "app_id": halved},
                {"kind": "restate", "factor": 3, "app_id": grown},
            ]
        )

        night.run(Days(day, day, reload=True))

        row = night.ledger()[app_id, day]
        assert sum(row["kbps"]) < sum(filter(None, sandbox.points(app_id, day))) / 2
        assert {restatement["app_id"] for restatement in restatements(night)} == set(sandbox.app_ids)
        assert {restatement["app_id"] for restatement in restatements(night) if restatement["is_drop"]} == {
            app_id
        }
        for since in (timedelta(hours=1), timedelta(seconds=-10)):
            (note,) = notes(night, since)
            assert note.startswith(f"The vendor restated 1 app-day to less than half: lobby on {day}")

        def review(connection: Connection) -> None:
            suspicious_responses.review(connection, datetime.now(UTC), "admin")

        in_transaction(night, review)
        assert notes(night) == []
        (reviewed,) = [restatement for restatement in restatements(night) if restatement["is_drop"]]
        assert reviewed["reviewed_by"] == "admin"


def test_the_last_days_of_a_removed_app_are_rechecked_once_settled(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, settle_days=2), window_days(sandbox)
        stays, leaves = night.apps
        night.run()
        night.apps = [stays]
        night.run()
        night.shift_clocks(timedelta(days=3))
        sandbox.put_clock(night.now())
        sandbox.put_faults(
            [{"kind": "restate", "factor": 2, "app_id": leaves.app_id, "usage_date": str(days[-1])}]
        )

        planned, _ = night.run()

        assert (leaves.app_id, days[-1]) in planned.app_days
        truth = sandbox.points(leaves.app_id, days[-1])
        assert night.ledger()[leaves.app_id, days[-1]]["kbps"] == [2 * (kbps or 0) for kbps in truth]


def test_a_replay_yields_the_same_points_as_collecting(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        for faults in ([{"kind": "zeros"}], [{"kind": "withhold", "slots": EIGHT}]):
            sandbox.put_faults(faults)
            night.run(Days(day, day, reload=True))
        before = night.points()
        assert replay_changes(night, day) == 0
        assert night.points() == before

        warehouse.run("delete from core.app_day")
        assert replay_changes(night, day) == 1
        assert night.points() == before


def replay_changes(night: Night, day: date) -> int:
    """Return the number of app-days changed by a replay of one day."""
    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return replay(engine, day, day).changed
    finally:
        engine.dispose()
