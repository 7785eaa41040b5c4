"""Nightly, backfill and manual runs at the same time: nothing is lost or duplicated, and all succeed."""

from __future__ import annotations

from agora.bandwidth.plan import Days
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.chaos.concurrency_runs import run_overlapping
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def test_overlapping_runs_succeed_and_collect_every_day_once(warehouse: Warehouse) -> None:
    # 10 apps × a month: a second or two for one run alone.
    with running_sandbox(apps=10, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, requests_per_second=200), window_days(sandbox)
        app_days = product(sandbox.app_ids, days)
        nightly, backfill, again = None, Days(days[0], days[-1]), Days(days[-10], days[-1], reload=True)

        summaries = run_overlapping(night, [nightly, nightly, backfill, backfill, again, again])

        assert [summary.failures for summary in summaries] == [{}] * 6
        assert_collected(night, sandbox, app_days)
        assert night.plan().app_days == []
        assert sum(summary.changed for summary in summaries) == len(app_days), "an app-day was written twice"
        assert warehouse.rows("select * from core.restatement") == []
        (stored,) = warehouse.rows("select count(*) from raw.bandwidth_response where http_status = 200")
        served = sandbox.stats()["by_status"]["200"]
        assert stored["count"] == served, "a response was not stored"
        print(f"{served:,} responses for {len(app_days):,} app-days, in six concurrent runs")
