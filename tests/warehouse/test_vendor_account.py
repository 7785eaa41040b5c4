"""mart.vendor_account: the window, what was refused of it, and the rate limit that the tasks share."""

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


async def answered_429_once(url: str, conn_id: str) -> None:
    engine = warehouse_engine(url)
    async with LimitStore(engine, conn_id) as store:
        limiter = SharedLimiter(REQUESTS_PER_SECOND, store.change)
        await limiter.record_throttled(await limiter.acquire(), None)
    engine.dispose()


def test_an_account_that_was_never_asked_has_no_rate(warehouse: Warehouse) -> None:
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
    # As it is between a task's start and its first request.
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
    assert refused() == [(None, None), (None, None)], "nobody expects it any longer"
    for days_ago in (31, 29, 30):
        refuse("refused", days_ago)
    refuse("refused", 20, http_status=404)
    assert refused() == [(today - timedelta(days=29), "too old: 29"), (None, None)]
    warehouse.run("delete from core.app_day where usage_date = %s", (today - timedelta(days=29),))
    warehouse.add_days([AppDay("refused", today - timedelta(days=29), [1.0] * 288)])
    assert refused() == [(today - timedelta(days=30), "too old: 30"), (None, None)], "served since"


def test_what_was_learned_of_the_limit_is_there(warehouse: Warehouse) -> None:
    for conn_id in ("asked", "not asked"):
        warehouse.add_account(conn_id=conn_id)
    asyncio.run(answered_429_once(warehouse.url("loader"), "asked"))
    asked, other = warehouse.rows("select * from mart.vendor_account order by conn_id", role="analyst")
    assert asked["requests_per_second"] == pytest.approx(10)  # half of what the first 429 met
    assert abs(asked["paced_at"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert (other["requests_per_second"], other["paced_at"]) == (None, None)
