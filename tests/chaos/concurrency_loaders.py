"""Processes that load the same app-days at the same time, each through the product's own code."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing.synchronize import Barrier

from sqlalchemy import Connection, Engine, text

from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.client.response import Response
from agora.errors import VendorUnavailable
from agora.settings.connections import parse_dashboard
from agora.warehouse import merge_app_days
from agora.warehouse.engine import warehouse_engine
from tests.chaos.concurrency_answers import FAILED, NOW, Delivery, loads_of
from tests.chaos.concurrency_model import STATUS, Loaded

CONN_ID = "agora_dashboard"
WAIT_SECONDS = 300
LOADS = 3
# The clocks of the warehouse and its loaders stand still at the same microsecond, so that a response is
# stored with exactly the time at which it was received.
STOP_THE_CLOCK = f"""
create or replace function mart.clock() returns timestamptz
language sql stable parallel safe
begin atomic
    select timestamptz '{NOW.isoformat()}';
end
"""

round_start: Barrier  # set when the process starts


class GivenResponses(DashboardClient):
    """A client with given responses, which can be of any age and come in any order."""

    def __init__(self, responses: Iterable[Delivery]) -> None:
        deliveries = list(responses)
        account = {
            "customer_id": "nobody",
            "customer_certificate": "unused",
            "base_url": "http://127.0.0.1:1",
            "timezone": deliveries[0].zone,
            "max_concurrency": 1,  # sequential, so in the order of the deliveries
        }
        super().__init__(parse_dashboard(CONN_ID, account))
        self._deliveries = {one.app_day: one for one in deliveries}

    async def bandwidth(self, app_id: str, usage_date: date, *, retry: bool = True) -> Response:
        delivery = self._deliveries[app_id, usage_date]
        response = Response(STATUS[delivery.kind], delivery.body, delivery.fetched_at)
        if delivery.kind == FAILED:
            about = self.about(app_id, f"{usage_date}")
            raise VendorUnavailable(delivery.text, about=about, app_id=app_id, advice="", answer=response)
        return response


def load(deliveries: list[Delivery], engine: Engine) -> None:
    """Load responses into a warehouse whose clock stands still."""
    asyncio.run(
        collect([one.app_day for one in deliveries], GivenResponses(deliveries), engine, now=lambda: NOW)
    )


def run_loader(url: str, seed: int, rounds: int, number: int) -> list[Loaded]:
    """Run one of the loader processes.

    Raises:
        RuntimeError: This process failed. The other processes then end, too.
    """
    try:
        return _loaded(url, seed, rounds, number)
    except BaseException as error:
        round_start.abort()
        raise RuntimeError(f"process {number}: {type(error).__name__}: {error}") from None


def _loaded(url: str, seed: int, rounds: int, number: int) -> list[Loaded]:
    chance = random.Random(f"{seed} {number}")
    _shuffle_batches(chance)
    engine = warehouse_engine(url)
    loaded = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as clock:
        for round_number in range(rounds):
            round_start.wait(WAIT_SECONDS)
            for deliveries in loads_of(chance, round_number, LOADS):
                begun = _moment(clock)
                load(deliveries, engine)
                ended = _moment(clock)
                loaded += [Loaded(one, begun, ended) for one in deliveries]
    engine.dispose()
    return loaded


def _moment(clock: Connection) -> int:
    return int(clock.execute(text("select nextval('chaos.clock')")).scalar_one())


def _shuffle_batches(chance: random.Random) -> None:
    """Pass rows to the loader in random order, because its statement must prevent deadlocks by itself."""
    in_order = merge_app_days.load
    merge_app_days.load = lambda connection, batch, conn_id: in_order(
        connection, batch.sample(frac=1, random_state=chance.getrandbits(32)), conn_id
    )


def _set_barrier(barrier: Barrier) -> None:
    """Set the barrier at which all processes wait for each other before each round."""
    global round_start
    round_start = barrier


def load_together(url: str, seed: int, rounds: int, processes: int) -> tuple[list[Loaded], list[str]]:
    """Run the processes to their end; return everything they loaded, and their errors.

    Args:
        url: The warehouse's URL for the role loader.
        seed: Determines every response.
        rounds: Number of rounds. In each, all processes load the same app-days.
        processes: Number of processes.
    """
    # Children are forked from a process that has imported everything and has no threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(processes, context, _set_barrier, (context.Barrier(processes),)) as pool:
        loads = [pool.submit(run_loader, url, seed, rounds, number) for number in range(processes)]
        errors = [str(error) for one in loads if (error := one.exception())]
        return [done for one in loads if not one.exception() for done in one.result()], errors
