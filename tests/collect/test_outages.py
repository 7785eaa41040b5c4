"""The scheduler was down for weeks: the next run has everything that can still be had, and marks the rest."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from agora.bandwidth.plan import Days
from sandbox.testing import running_sandbox
from tests.collect.night import assert_true, keys, night_of, product, window_days
from tests.warehouse.database import Warehouse, days_between


@pytest.mark.parametrize("days_down", [1, 25, 40])
def test_the_first_run_after_an_outage_collects_all_the_window_holds_and_loses_exactly_the_rest(
    warehouse: Warehouse, days_down: int
) -> None:
    noon = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
    before = noon - timedelta(days=days_down)
    with running_sandbox(apps=3, quiet=True, clock=before) as sandbox:
        night = night_of(sandbox, warehouse, window="30 days", settle_days=0)
        night.now = before
        had = window_days(sandbox)
        night.run(Days(had[0], had[-1]))
        assert_true(night, sandbox, product(sandbox.app_ids, had))

        sandbox.put_clock(noon)
        night.now = noon
        shown = window_days(sandbox)
        missed = days_between(had[-1] + timedelta(days=1), shown[-1])
        planned, summary = night.run()

        unrecoverable = [day for day in missed if day < shown[0]]
        recoverable = [day for day in missed if day >= shown[0]]
        assert len(unrecoverable) == max(0, days_down - len(shown))
        assert {day[:2] for day in planned.lost} == product(sandbox.app_ids, unrecoverable)
        assert set(keys(planned.app_days)) == product(sandbox.app_ids, recoverable)
        assert [day.usage_date for day in planned.app_days] == sorted(
            day.usage_date for day in planned.app_days
        )
        assert summary.failures == {}
        assert_true(night, sandbox, product(sandbox.app_ids, [*had, *recoverable]))

        coverage = warehouse.rows("select * from mart.coverage")
        assert {(row["app_id"], row["usage_date"]) for row in coverage} == product(
            sandbox.app_ids, [*had, *missed]
        )
        lost = [row for row in coverage if row["state"] == "lost"]
        assert {(row["app_id"], row["usage_date"]) for row in lost} == product(sandbox.app_ids, unrecoverable)
        assert all(row["reason"].startswith("outside the vendor's window: ") for row in lost)
        assert {row["state"] for row in coverage} <= {"collected", "lost"}
        assert night.plan().app_days == []
