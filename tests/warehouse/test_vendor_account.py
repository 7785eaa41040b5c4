"""mart.vendor_account: the window as configured and learned, and the pace that the tasks share."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from agora.bandwidth.shared_pace import SharedPacer
from agora.settings import parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse

ACCOUNT = {
    "customer_id": "nobody",
    "customer_certificate": "unused",
    "base_url": "http://127.0.0.1:1",
    "requests_per_second": 20,
}


async def answered_429_once(url: str, conn_id: str) -> None:
    engine = warehouse_engine(url)
    async with SharedPacer(parse_dashboard(conn_id, ACCOUNT), engine) as pacer:
        await pacer.limited(await pacer.turn(), None)
    engine.dispose()


def test_an_account_that_was_never_asked_has_no_pace(warehouse: Warehouse) -> None:
    warehouse.add_account("Asia/Shanghai", "30 days")
    (row,) = warehouse.rows("select * from mart.vendor_account", role="analyst")
    assert row == {
        "conn_id": "agora_dashboard",
        "timezone": "Asia/Shanghai",
        "window_length": timedelta(days=30),
        "learned_on": None,
        "oldest_served": None,
        "newest_refused": None,
        "refusal": None,
        "requests_per_second": None,
        "paced_at": None,
        "window_begins_on": datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=30),
    }
    # As it is between a task's start and its first request.
    warehouse.run("insert into core.request_pace values ('agora_dashboard', 'null')", role="loader")
    assert warehouse.rows("select * from mart.vendor_account", role="analyst") == [row]


def test_what_was_learned_of_the_window_and_of_the_limit_is_there(warehouse: Warehouse) -> None:
    for conn_id in ("asked", "not asked"):
        warehouse.add_account(conn_id=conn_id)
    warehouse.run(
        "update core.vendor_account set learned_on = '2026-11-02', oldest_served = '2026-10-02',"
        " newest_refused = '2026-10-01', refusal = 'too old' where conn_id = 'asked'"
    )
    asyncio.run(answered_429_once(warehouse.url("loader"), "asked"))
    asked, other = warehouse.rows("select * from mart.vendor_account order by conn_id", role="analyst")
    assert (asked["learned_on"], asked["oldest_served"], asked["newest_refused"], asked["refusal"]) == (
        date(2026, 11, 2),
        date(2026, 10, 2),
        date(2026, 10, 1),
        "too old",
    )
    assert asked["requests_per_second"] == 10  # half of what the first 429 met
    assert abs(asked["paced_at"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert (other["requests_per_second"], other["paced_at"]) == (None, None)
