"""A backfill beyond an app's expected days stores the served days and reports the refused ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agora.bandwidth.plan import Days
from agora.bandwidth.window import PROBES_PER_DATE
from tests.bandwidth.collect.night import Night, assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse, days_between


def bills(night: Night) -> list[dict[str, Any]]:
    return night.warehouse.rows("select * from mart.billing_monthly order by app_id, month", role="analyst")


@pytest.mark.parametrize("is_collected", [False, True])
def test_a_backfill_of_45_days_collects_every_expected_day(warehouse: Warehouse, is_collected: bool) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        inside = window_days(sandbox)
        # With collect_from, the bill of the previous month is final.
        apps = [{"app_id": app_id, "collect_from": str(inside[0])} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps)
        if is_collected:
            night.run()
        before = bills(night)
        sandbox.reset_stats()
        requested = days_between(sandbox.today() - timedelta(days=45), inside[-1])
        outside = sorted(set(requested) - set(inside))

        planned, summary = night.run(Days(requested[0], requested[-1]))

        assert set(keys(planned.app_days)) == product(sandbox.app_ids, outside if is_collected else requested)
        assert_collected(night, sandbox, product(sandbox.app_ids, inside))
        assert night.coverage().keys() == product(sandbox.app_ids, inside)
        assert {row["state"] for row in night.coverage().values()} == {"collected"}
        if is_collected:
            assert bills(night) == before
        assert any(row["is_final"] for row in bills(night))

        refused = sandbox.stats()["by_status"]["400"]
        assert refused <= PROBES_PER_DATE * len(outside) + 1
        assert summary.failures == {}
        assert summary.at_the_edge + summary.not_worthwhile == 20 * len(outside)
        assert f"{summary.at_the_edge:,} app-days refused as too old (HTTP 400)" in summary.text()

        sandbox.reset_stats()
        assert night.plan().app_days == []
        assert sandbox.stats()["requests"] == 0


def test_a_backfill_stores_days_that_a_longer_window_serves(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, window="60 days", quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.run()
        expected = {day for _, day in night.coverage()}
        older = days_between(sandbox.today() - timedelta(days=50), min(expected) - timedelta(days=1))

        night.run(Days(older[0], older[-1]))

        assert_collected(night, sandbox, product(sandbox.app_ids, {*older, *expected}))
        assert night.plan().app_days == []


def test_expected_days_begin_with_the_oldest_available_when_the_app_was_first_seen(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        long_ago = str(sandbox.today() - timedelta(days=300))
        apps = [{"app_id": sandbox.app_ids[0], "collect_from": long_ago}, sandbox.app_ids[1]]
        night, days = night_of(sandbox, warehouse, apps), window_days(sandbox)
        night.run()
        assert night.coverage().keys() == product(sandbox.app_ids, days)
        night.shift_clocks(timedelta(days=1))
        night.plan()
        assert night.coverage().keys() == product(sandbox.app_ids, [*days, sandbox.today()])
