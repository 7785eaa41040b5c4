"""A missing day is either requested or lost: the planner requests exactly the days that are not `lost`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from agora.bandwidth.plan import plan
from agora.bandwidth.window import MARGIN_DAYS
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import App, Warehouse

# At a month's end, several days leave a window of one month together.
DAYS = ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-31", "2026-05-01", "2028-03-01"]


@pytest.mark.parametrize("window", ["1 month", "30 days"])
@pytest.mark.parametrize("today", DAYS)
def test_every_expected_day_is_requested_until_it_is_lost(
    warehouse: Warehouse, today: str, window: str
) -> None:
    account = parse_dashboard(
        "agora_dashboard",
        {"customer_id": "customer", "customer_certificate": "certificate", "window": window},
    )
    noon = datetime.combine(date.fromisoformat(today), time(12), UTC)
    warehouse.add_account(window=window)
    warehouse.add_apps([App("a1", noon.date() - timedelta(days=60))])
    warehouse.run(
        "create or replace function mart.clock() returns timestamptz language sql stable"
        f" return timestamptz '{noon.isoformat()}'"
    )
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        with engine.connect() as connection:
            planned = plan(connection, account, ["a1"], noon.date())
    finally:
        engine.dispose()
    coverage = warehouse.rows("select usage_date, state, expires_on from mart.coverage order by usage_date")
    assert len(coverage) == 60
    open_days = [row["usage_date"] for row in coverage if row["state"] == "pending"]
    assert [day for _, day in planned.app_days] == open_days
    assert {row["state"] for row in coverage} == {"pending", "lost"}
    margin = noon.date() - timedelta(days=MARGIN_DAYS)
    assert open_days == [row["usage_date"] for row in coverage if row["expires_on"] >= margin]
