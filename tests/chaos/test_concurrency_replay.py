"""Stored responses are replayed while others are loaded for the same app-days."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from agora.bandwidth.replay import replay
from agora.warehouse.engine import warehouse_engine
from tests.chaos.concurrency_answers import APP_IDS, FIRST_DAY, app_days_of, loads_of
from tests.chaos.concurrency_loaders import STOP_THE_CLOCK, load
from tests.warehouse.database import App, Warehouse

ROUNDS = 20
LOADERS = 4
UNPROVEN = """
select 1 from core.app_day inner join core.app using (app_key)
where app_day.kbps is not null and not exists (
    select from raw.bandwidth_response as response
    where response.app_id = app.app_id and response.usage_date = app_day.usage_date
        and response.body_sha256 = app_day.body_sha256 and response.fetched_at = app_day.collected_at
)
"""


def test_a_replay_and_loaders_of_the_same_days_do_not_deadlock(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps(App(app_id, FIRST_DAY) for app_id in APP_IDS)
    warehouse.run(STOP_THE_CLOCK)
    engine = warehouse_engine(warehouse.url("loader"))
    round_start = threading.Barrier(LOADERS + 1, timeout=120)
    failures: list[BaseException] = []

    def loader(number: int) -> None:
        for round_number in range(ROUNDS):
            round_start.wait()
            for deliveries in loads_of(random.Random(f"{number} {round_number}"), round_number, 3):
                load(deliveries, engine)

    def replayer() -> None:
        for round_number in range(ROUNDS):
            round_start.wait()
            first, *_, last = sorted({day for _, day in app_days_of(round_number)})
            for _ in range(6):
                replay(engine, first, last)

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # the test's thread must see every error
            failures.append(error)
            round_start.abort()

    works = [replayer, *(lambda number=number: loader(number) for number in range(LOADERS))]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()

    assert [error for error in failures if not isinstance(error, threading.BrokenBarrierError)] == []
    assert warehouse.rows("select deadlocks from pg_stat_database where datname = current_database()") == [
        {"deadlocks": 0}
    ]
    assert warehouse.rows(UNPROVEN) == []
