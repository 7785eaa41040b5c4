"""One rate limit for all processes of an account: a rate learned by one process applies to the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from agora.rate_limit import adaptive
from agora.rate_limit.adaptive import FORGET_SECONDS
from agora.rate_limit.local import NoPermit
from agora.rate_limit.shared import SharedLimiter
from agora.rate_limit.store import LimitStore
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.rate_limit.shared_rate import PROCESSES, measure
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    warehouse.add_account()
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def account(requests_per_second: float, conn_id: str = "agora_dashboard") -> DashboardSettings:
    return parse_dashboard(
        conn_id,
        {
            "customer_id": "somebody",
            "customer_certificate": "something",
            "requests_per_second": requests_per_second,
        },
    )


@asynccontextmanager
async def limiter_of(engine: Engine, account: DashboardSettings) -> AsyncIterator[SharedLimiter]:
    async with LimitStore(engine, account.conn_id) as store:
        yield SharedLimiter(account.requests_per_second, store.change)


async def permits(limiter: SharedLimiter, count: int) -> list[float]:
    return [await limiter.acquire() for _ in range(count)]


def test_two_clients_of_an_account_share_its_rate(engine: Engine) -> None:
    async def main() -> list[list[float]]:
        async with limiter_of(engine, account(20)) as one, limiter_of(engine, account(20)) as other:
            return list(await asyncio.gather(permits(one, 10), permits(other, 10)))

    mine, others = asyncio.run(main())
    moments = sorted([*mine, *others])
    # Nineteen intervals of 50 ms, one of which a late request may have skipped.
    assert moments[-1] - moments[0] > 18 / 20 - 0.02
    assert min(mine) < max(others)
    assert min(others) < max(mine)


def test_accounts_do_not_slow_each_other(engine: Engine, warehouse: Warehouse) -> None:
    warehouse.add_account(conn_id="another")

    async def main() -> float:
        async with (
            limiter_of(engine, account(0.01)) as slow,
            limiter_of(engine, account(1000, "another")) as fast,
        ):
            await slow.acquire()
            moments = await permits(fast, 3)
            return moments[-1] - moments[0]

    assert asyncio.run(main()) < 50


def test_a_retry_after_received_by_one_client_delays_the_other(engine: Engine) -> None:
    async def main() -> tuple[float, float]:
        async with limiter_of(engine, account(1000)) as one, limiter_of(engine, account(1000)) as other:
            sent_at = await one.acquire()
            await one.record_throttled(sent_at, 1.0)
            return sent_at, await other.acquire()

    sent_at, next_at = asyncio.run(main())
    assert next_at - sent_at >= 1.0


DAY = 86_400.0


def test_a_long_retry_after_received_by_one_client_ends_the_wait_of_the_other(
    engine: Engine, warehouse: Warehouse
) -> None:
    async def main() -> tuple[NoPermit, float]:
        async with limiter_of(engine, account(1000)) as one, limiter_of(engine, account(1000)) as other:
            with pytest.raises(NoPermit):
                await one.record_throttled(await one.acquire(), 3600.0)
            began = time.monotonic()
            with pytest.raises(NoPermit) as refused:
                await other.acquire()
            return refused.value, time.monotonic() - began

    error, seconds = asyncio.run(main())
    assert seconds < 2
    assert error.retry_at is not None
    assert abs(error.retry_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=10)
    assert state_of(warehouse)["queue"] == {}, "a process still waits"


@pytest.mark.parametrize("later_seconds", [0.0, 1000.0, FORGET_SECONDS + DAY / 2])
def test_a_long_retry_after_is_honoured_by_the_next_run(
    engine: Engine, warehouse: Warehouse, later_seconds: float
) -> None:
    async def refused(call: Callable[[SharedLimiter], Awaitable[object]]) -> NoPermit:
        async with limiter_of(engine, account(1000)) as limiter:
            with pytest.raises(NoPermit) as error:
                await call(limiter)
        return error.value

    async def throttle(limiter: SharedLimiter) -> None:
        await limiter.record_throttled(await limiter.acquire(), 10 * DAY)

    asyncio.run(refused(throttle))
    age_state(warehouse, later_seconds)

    error = asyncio.run(refused(SharedLimiter.acquire))

    assert error.retry_at is not None
    left = timedelta(seconds=DAY - later_seconds)
    assert abs(error.retry_at - datetime.now(UTC) - left) < timedelta(seconds=10)


def test_after_a_long_retry_after_the_account_is_requested_again(
    engine: Engine, warehouse: Warehouse
) -> None:
    async def throttle() -> None:
        async with limiter_of(engine, account(1000)) as limiter:
            with pytest.raises(NoPermit):
                await limiter.record_throttled(await limiter.acquire(), DAY)

    async def take_permits() -> list[float]:
        async with limiter_of(engine, account(1000)) as limiter:
            return await permits(limiter, 3)

    asyncio.run(throttle())
    age_state(warehouse, DAY + 1)
    assert len(asyncio.run(take_permits())) == 3


def test_nothing_but_429s_ends_every_client_in_bounded_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", 1.0)

    async def refused(limiter: SharedLimiter, sent: list[float]) -> None:
        while True:
            sent.append(await limiter.acquire())
            await limiter.record_throttled(sent[-1], None)

    async def given_up(limiter: SharedLimiter) -> int:
        sent: list[float] = []
        with pytest.raises(NoPermit, match="no other response"):
            await refused(limiter, sent)
        return len(sent)

    async def main() -> tuple[int, float]:
        async with limiter_of(engine, account(100)) as one, limiter_of(engine, account(100)) as other:
            began = time.monotonic()
            sent = await asyncio.gather(*(given_up(limiter) for limiter in (one, one, other, other)))
            return sum(sent), time.monotonic() - began

    sent, seconds = asyncio.run(main())
    assert sent < 30
    assert seconds < 4


def age_state(warehouse: Warehouse, seconds: float) -> None:
    """Move the account's stored state into the past."""
    for moment in ("heard_at", "next_at", "retry_at", "throttled_since", "measured_since"):
        warehouse.run(
            "update core.request_pace set state = jsonb_set(state, array['pace', %s],"
            " to_jsonb((state #>> array['pace', %s])::float8 - %s))"
            " where state #>> array['pace', %s] is not null",
            (moment, moment, seconds, moment),
        )


def state_of(warehouse: Warehouse) -> dict[str, Any]:
    [row] = warehouse.rows("select state from core.request_pace")
    state: dict[str, Any] = row["state"]
    return state


def test_permits_granted_before_a_429_are_discarded(engine: Engine) -> None:
    async def main() -> list[float]:
        async with limiter_of(engine, account(1000)) as limiter:
            waiting = [asyncio.create_task(limiter.acquire()) for _ in range(20)]
            await waiting[0]
            await limiter.record_throttled(await waiting[1], 1.0)  # by then the other permits are granted
            return [await task for task in waiting]

    moments = asyncio.run(main())
    assert max(later - sooner for sooner, later in pairwise(sorted(moments))) > 0.9
    assert sum(moment > moments[0] + 0.9 for moment in moments) >= 10


def test_the_learned_rate_outlives_the_process(engine: Engine, warehouse: Warehouse) -> None:
    async def main() -> None:
        async with limiter_of(engine, account(1000)) as limiter:
            for _ in range(3):
                await limiter.record_throttled(await limiter.acquire(), None)

    asyncio.run(main())
    [row] = warehouse.rows("select state from core.request_pace")
    assert row["state"]["pace"]["per_second"] < 1000
    assert row["state"]["pace"]["configured_per_second"] == 1000


def test_no_transaction_stays_open_and_no_session_setting_remains(
    engine: Engine, warehouse: Warehouse
) -> None:
    sessions = (
        "select state from pg_stat_activity where application_name = 'agora' and datname = current_database()"
    )

    async def main() -> None:
        async with limiter_of(engine, account(1000)) as limiter:
            await limiter.acquire()
            assert warehouse.rows(sessions, role="postgres") == [{"state": "idle"}]

    asyncio.run(main())
    assert warehouse.rows(sessions, role="postgres") == [{"state": "idle"}]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as again:
        assert again.execute(text("show idle_in_transaction_session_timeout")).scalar() != "10s"


def test_without_the_warehouse_nothing_is_requested(engine: Engine, warehouse: Warehouse) -> None:
    async def main() -> None:
        async with limiter_of(engine, account(1000)) as limiter:
            await limiter.acquire()
            warehouse.run("drop table core.request_pace cascade")
            await asyncio.sleep(0.2)  # the granted permits have expired
            await limiter.acquire()

    with pytest.raises(DBAPIError, match="request_pace"):
        asyncio.run(main())


@pytest.mark.slow
def test_eight_processes_follow_a_changing_limit(warehouse: Warehouse) -> None:
    warehouse.add_account()
    with running_sandbox(apps=PROCESSES, retry_after=1, quiet=True) as sandbox:
        measured = measure(
            sandbox,
            warehouse.url("loader"),
            configured_per_second=20,
            limits=(10, 5),
            seconds=15,
        )
    assert measured.inside_retry_after == 0
    assert measured.admitted_share > 0.75, measured
    assert measured.throttled_share < 0.05, measured
    assert all(sent > 0 for sent in measured.by_process), measured
