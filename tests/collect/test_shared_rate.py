"""One rate limit for all processes of an account: what one learns holds for the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from agora.bandwidth.shared_pace import SharedPacer
from agora.settings import DashboardSettings, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from sandbox.testing import running_sandbox
from tests.collect.shared_rate import PROCESSES, measure
from tests.warehouse.database import Warehouse

LEAST_OF_LIMIT = 0.9
MOST_REFUSED = 0.02


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


async def turns(pacer: SharedPacer, count: int) -> list[float]:
    return [await pacer.turn() for _ in range(count)]


def test_two_clients_of_an_account_take_turns(engine: Engine) -> None:
    async def main() -> list[list[float]]:
        async with SharedPacer(account(20), engine) as one, SharedPacer(account(20), engine) as other:
            return list(await asyncio.gather(turns(one, 10), turns(other, 10)))

    mine, others = asyncio.run(main())
    moments = sorted([*mine, *others])
    # Nineteen gaps of 50 ms, of which a late one may have lost one.
    assert moments[-1] - moments[0] > 18 / 20 - 0.02
    assert min(mine) < max(others)
    assert min(others) < max(mine)


def test_accounts_do_not_slow_each_other(engine: Engine, warehouse: Warehouse) -> None:
    warehouse.add_account(conn_id="another")

    async def main() -> float:
        async with (
            SharedPacer(account(0.01), engine) as slow,
            SharedPacer(account(1000, "another"), engine) as fast,
        ):
            await slow.turn()
            moments = await turns(fast, 3)
            return moments[-1] - moments[0]

    assert asyncio.run(main()) < 50


def test_a_429_of_one_slows_the_other_and_its_retry_after_holds_it(engine: Engine) -> None:
    async def main() -> tuple[float, float]:
        async with SharedPacer(account(1000), engine) as one, SharedPacer(account(1000), engine) as other:
            sent_at = await one.turn()
            await one.limited(sent_at, 1.0)
            return sent_at, await other.turn()

    sent_at, next_at = asyncio.run(main())
    assert next_at - sent_at >= 1.0


def test_turns_granted_before_a_429_are_given_up(engine: Engine) -> None:
    async def main() -> list[float]:
        async with SharedPacer(account(1000), engine) as pacer:
            waiting = [asyncio.create_task(pacer.turn()) for _ in range(20)]
            await waiting[0]
            await pacer.limited(await waiting[1], 1.0)  # by then the others' turns are granted
            return [await task for task in waiting]

    moments = asyncio.run(main())
    assert max(later - sooner for sooner, later in pairwise(sorted(moments))) > 0.9
    assert sum(moment > moments[0] + 0.9 for moment in moments) >= 10


def test_what_was_learned_outlives_the_process(engine: Engine, warehouse: Warehouse) -> None:
    async def main() -> None:
        async with SharedPacer(account(1000), engine) as pacer:
            for _ in range(3):
                await pacer.limited(await pacer.turn(), None)

    asyncio.run(main())
    [row] = warehouse.rows("select state from core.request_pace")
    assert row["state"]["pace"]["per_second"] < 1000
    assert row["state"]["pace"]["most_per_second"] == 1000


def test_no_connection_is_left_and_no_transaction_stays_open(engine: Engine, warehouse: Warehouse) -> None:
    open_ = (
        "select state from pg_stat_activity where application_name = 'agora' and datname = current_database()"
    )

    async def main() -> list[str]:
        async with SharedPacer(account(1000), engine) as pacer:
            await pacer.turn()
            return [row["state"] for row in warehouse.rows(open_, role="postgres")]

    assert asyncio.run(main()) == ["idle"]
    for _ in range(100):  # the server ends it a moment later
        if not warehouse.rows(open_, role="postgres"):
            return
        time.sleep(0.1)
    pytest.fail("its connection went back to the pool, with settings that are not for others")


def test_without_the_warehouse_nothing_is_asked(engine: Engine, warehouse: Warehouse) -> None:
    async def main() -> None:
        async with SharedPacer(account(1000), engine) as pacer:
            await pacer.turn()
            warehouse.run("drop table core.request_pace cascade")
            await asyncio.sleep(0.2)  # what was granted is no longer good
            await pacer.turn()

    with pytest.raises(DBAPIError, match="request_pace"):
        asyncio.run(main())


def test_eight_processes_keep_to_a_limit_that_moves(warehouse: Warehouse) -> None:
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
    assert measured.let_in_share > 0.75, measured
    assert measured.refused_share < 0.05, measured
    assert all(sent > 0 for sent in measured.by_process), measured
