"""mart.vendor_account: the window, the newest refused day, and the rate limit that the tasks share."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agora.rate_limit.shared import SharedLimiter
from agora.rate_limit.store import LimitStore
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import App, AppDay, Warehouse

REQUESTS_PER_SECOND = 20


async def throttle_once(url: str, conn_id: str) -> None:
    engine = warehouse_engine(url)
    async with LimitStore(engine, conn_id) as store:
        limiter = SharedLimiter(REQUESTS_PER_SECOND, store.change)
        await limiter.record_throttled(await limiter.acquire(), None)
    engine.dispose()


def test_an_account_without_requests_has_no_rate(warehouse: Warehouse) -> None:
    warehouse.add_account("Asia/Shanghai", "30 days")
    (row,) = warehouse.rows("select * from mart.vendor_account", role="analyst")
    assert row == {
        "conn_id": "agora_dashboard",
        "timezone": "Asia/Shanghai",
        "window_length": timedelta(days=30),
        "newest_refused": None,
        "refusal": None,
        "requests_per_second": None,
        "paced_at": None,
        "window_begins_on": datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=30),
    }
    # The state between a task's start and its first request.
    warehouse.run("insert into core.request_pace values ('agora_dashboard', 'null')", role="loader")
    assert warehouse.rows("select * from mart.vendor_account", role="analyst") == [row]


def test_the_newest_refused_day_is_computed_from_the_ledger(warehouse: Warehouse) -> None:
    today = datetime.now(UTC).date()
    for conn_id in ("refused", "served"):
        warehouse.add_account(conn_id=conn_id, window="30 days")
        warehouse.add_apps([App(conn_id, today - timedelta(days=60), conn_id=conn_id)])

    def refuse(app_id: str, days_ago: int, http_status: int = 400) -> None:
        warehouse.add_days([AppDay(app_id, today - timedelta(days=days_ago))])
        warehouse.run(
            "update core.app_day set http_status = %s, reason = %s where usage_date = %s",
            (http_status, f"too old: {days_ago}", today - timedelta(days=days_ago)),
        )

    def refused() -> list[tuple[date | None, str | None]]:
        rows = warehouse.rows("select * from mart.vendor_account order by conn_id", role="analyst")
        return [(row["newest_refused"], row["refusal"]) for row in rows]

    refuse("refused", 50)
    assert refused() == [(None, None), (None, None)], "the day is outside the window"
    for days_ago in (31, 29, 30):
        refuse("refused", days_ago)
    refuse("refused", 20, http_status=404)
    assert refused() == [(today - timedelta(days=29), "too old: 29"), (None, None)]
    warehouse.run("delete from core.app_day where usage_date = %s", (today - timedelta(days=29),))
    warehouse.add_days([AppDay("refused", today - timedelta(days=29), [1.0] * 288)])
    assert refused() == [(today - timedelta(days=30), "too old: 30"), (None, None)], (
        "the newest refused day has been served since"
    )


def test_the_rate_learned_from_a_429_is_shown(warehouse: Warehouse) -> None:
    for conn_id in ("requested", "unrequested"):
        warehouse.add_account(conn_id=conn_id)
    asyncio.run(throttle_once(warehouse.url("loader"), "requested"))
    requested, unrequested = warehouse.rows(
        "select * from mart.vendor_account order by conn_id", role="analyst"
    )
    assert requested["requests_per_second"] == pytest.approx(10)  # half of the rate at the first 429
    assert abs(requested["paced_at"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert (unrequested["requests_per_second"], unrequested["paced_at"]) == (None, None)
