"""Overlapping runs. Each process does what the tasks of one DAG run do, in the same order."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Barrier

from sqlalchemy import Engine

from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.collect import collect
from agora.bandwidth.plan import Days
from agora.client.dashboard import DashboardClient
from agora.dag_support.batches import split_into_batches
from agora.settings.apps import AppSettings
from agora.settings.connections import DashboardSettings
from agora.warehouse import planning_queries
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import Night
from tests.chaos.collector import planned

WAIT_SECONDS = 120
AppDay = tuple[str, date]

start_line: Barrier  # set when the process starts


def _set_start_line(barrier: Barrier) -> None:
    global start_line
    start_line = barrier


def _run(account: DashboardSettings, apps: Sequence[AppSettings], url: str, days: Days | None) -> BatchResult:
    """Plan at the same time as the other runs, then collect in the smallest possible batches."""
    start_line.wait(WAIT_SECONDS)
    engine = warehouse_engine(url)
    now = datetime.now(UTC)
    app_days = planned(engine, account, apps, days).app_days
    total = BatchResult()
    for batch in split_into_batches(account.conn_id, app_days, planned_at=now, requests_per_second=0.01):
        with engine.connect() as connection:
            done, refused = planning_queries.results(connection, batch.app_days(), now)
        requested = [app_day for app_day in batch.app_days() if app_day not in done]
        total.add(asyncio.run(_collected(account, requested, refused, engine)))
    engine.dispose()
    return total


async def _collected(
    account: DashboardSettings, requested: list[AppDay], refused_before: set[AppDay], engine: Engine
) -> BatchResult:
    async with DashboardClient(account) as client:
        return await collect(requested, client, engine, refused_before=refused_before)


def run_overlapping(night: Night, runs: Sequence[Days | None]) -> list[BatchResult]:
    """Start runs at the same moment and wait for all of them.

    Args:
        night: The account, apps and warehouse.
        runs: The days of each run; None for all missing days.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(len(runs), context, _set_start_line, (context.Barrier(len(runs)),)) as pool:
        url = night.warehouse.url("loader")
        ended = [pool.submit(_run, night.account, night.apps, url, days) for days in runs]
        return [one.result() for one in ended]
