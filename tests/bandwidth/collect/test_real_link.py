"""Seven weeks of traffic on a real link, replayed by the sandbox as an app, collected and billed."""

from __future__ import annotations

import asyncio
import csv
import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import sync_and_plan
from tests.support.paths import SHARED_DATA
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse
from tests.warehouse.reference import figures_of_month

LINK = SHARED_DATA / "eu_link_5min_2005.csv.gz"


def whole_days() -> list[list[float]]:
    """Return the complete days in the file, in order, in kbps. The file has no gaps."""
    by_day: dict[date, list[float]] = defaultdict(list)
    with gzip.open(LINK, "rt") as file:
        for row in csv.DictReader(file):
            start = datetime.fromisoformat(row["interval_start"])
            by_day[start.date()].append(int(row["bits"]) / 300 / 1000)
    return [points for _, points in sorted(by_day.items()) if len(points) == 288]


@pytest.mark.skipif(not LINK.exists(), reason="the file with the real link's traffic is not on this machine")
def test_the_bills_of_a_real_link_match_its_file(warehouse: Warehouse) -> None:
    days = whole_days()
    assert len(days) > 45
    with running_sandbox(apps=1, window="60 days", traffic=LINK) as sandbox:
        today = datetime.now(UTC).date()
        link = sandbox.app_ids[-1]
        newest_first = {today - timedelta(days=back): day for back, day in enumerate(reversed(days), start=1)}
        first = min(newest_first)

        asyncio.run(_collect(sandbox, warehouse, link, first))

    expected = {
        month: figures_of_month(points for day, points in newest_first.items() if day.replace(day=1) == month)
        for month in {day.replace(day=1) for day in newest_first}
    }
    assert len(expected) >= 2
    for view in ("mart.billing_monthly", "mart.billing_monthly_total"):
        for month, figures in expected.items():
            names = ", ".join(figures)
            (found,) = warehouse.rows(f"select {names} from {view} where month = '{month}'", role="analyst")
            rates = [float(rate) for rate in dict(found).values()]
            assert rates == pytest.approx([float(rate) for rate in figures.values()], abs=0.0005), (
                view,
                month,
            )


async def _collect(sandbox: RunningSandbox, warehouse: Warehouse, app_id: str, first: date) -> None:
    account = parse_dashboard(
        "agora_dashboard",
        {
            "base_url": sandbox.base_url,
            "customer_id": sandbox.customer_id,
            "customer_certificate": sandbox.customer_certificate,
            "window": "60 days",
            "requests_per_second": 1000,
        },
    )
    apps = parse_apps([{"app_id": app_id, "name": "a real link", "collect_from": str(first)}])
    engine = warehouse_engine(warehouse.url("loader"))
    planned = sync_and_plan(engine, account, apps)
    async with DashboardClient(account) as client:
        summary = await collect(planned.app_days, client, engine)
    engine.dispose()
    assert summary.received == len(planned.app_days)
    assert summary.points_received == 288 * summary.received
