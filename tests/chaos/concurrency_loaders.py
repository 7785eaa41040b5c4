"""Processes that load the same app-days at the same time, each through the product's own path."""

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
from agora.warehouse import app_days
from agora.warehouse.engine import warehouse_engine
from tests.chaos.concurrency_answers import FAILED, NOW, Said, loads_of
from tests.chaos.concurrency_model import STATUS, Loaded

CONN_ID = "agora_dashboard"
WAIT_SECONDS = 300
LOADS = 3
# The warehouse and its loaders agree to the microsecond on a time that stands still, so that a response is
# stored with exactly the time at which it was received.
STOP_THE_CLOCK = f"""
create or replace function mart.clock() returns timestamptz
language sql stable parallel safe
begin atomic
    select timestamptz '{NOW.isoformat()}';
end
"""

together: Barrier  # of the process, set when it starts


class Told(DashboardClient):
    """A client that is told the vendor's answers, so that they can be of any age and come in any order."""

    def __init__(self, said: Iterable[Said]) -> None:
        said = list(said)
        account = {
            "customer_id": "nobody",
            "customer_certificate": "unused",
            "base_url": "http://127.0.0.1:1",
            "timezone": said[0].zone,
            "max_concurrency": 1,  # one after the other, so in the order of `said`
        }
        super().__init__(parse_dashboard(CONN_ID, account))
        self._said = {one.app_day: one for one in said}

    async def bandwidth(self, app_id: str, usage_date: date, *, retry: bool = True) -> Response:
        said = self._said[app_id, usage_date]
        answer = Response(STATUS[said.kind], said.body, said.fetched_at)
        if said.kind == FAILED:
            about = self.about(app_id, f"{usage_date}")
            raise VendorUnavailable(said.words, about=about, app_id=app_id, advice="", answer=answer)
        return answer


def load(said: list[Said], engine: Engine) -> None:
    """Bring responses into a warehouse whose clock stands still."""
    asyncio.run(collect([one.app_day for one in said], Told(said), engine, now=lambda: NOW))


def loads_together(url: str, seed: int, rounds: int, number: int) -> list[Loaded]:
    """Be one of the processes.

    Raises:
        RuntimeError: Whatever went wrong here; the other processes end, too.
    """
    try:
        return _loaded(url, seed, rounds, number)
    except BaseException as error:
        together.abort()
        raise RuntimeError(f"process {number}: {type(error).__name__}: {error}") from None


def _loaded(url: str, seed: int, rounds: int, number: int) -> list[Loaded]:
    chance = random.Random(f"{seed} {number}")
    _shuffle_batches(chance)
    engine = warehouse_engine(url)
    loaded = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as clock:
        for round_number in range(rounds):
            together.wait(WAIT_SECONDS)
            for said in loads_of(chance, round_number, LOADS):
                begun = _moment(clock)
                load(said, engine)
                ended = _moment(clock)
                loaded += [Loaded(one, begun, ended) for one in said]
    engine.dispose()
    return loaded


def _moment(clock: Connection) -> int:
    return int(clock.execute(text("select nextval('chaos.clock')")).scalar_one())


def _shuffle_batches(chance: random.Random) -> None:
    """Have rows come to the loader in any order: its own statement has to keep loaders from deadlocks."""
    in_order = app_days.load
    app_days.load = lambda connection, batch, conn_id: in_order(
        connection, batch.sample(frac=1, random_state=chance.getrandbits(32)), conn_id
    )


def _meet_at(barrier: Barrier) -> None:
    """Tell a process where all of them wait for each other before each round."""
    global together
    together = barrier


def load_together(url: str, seed: int, rounds: int, processes: int) -> tuple[list[Loaded], list[str]]:
    """Run the processes to their end; return what all of them loaded, and what went wrong.

    Args:
        url: Of the warehouse, as the loader.
        seed: Decides every answer.
        rounds: In each, all processes load the same app-days.
        processes: How many.
    """
    # Its children are forks of a process that has imported everything and has no threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(processes, context, _meet_at, (context.Barrier(processes),)) as pool:
        loads = [pool.submit(loads_together, url, seed, rounds, number) for number in range(processes)]
        wrong = [str(error) for one in loads if (error := one.exception())]
        return [done for one in loads if not one.exception() for done in one.result()], wrong
