"""The time between the vendor's response and the commit, by stage: each stage alone, in sequence."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psutil
from sqlalchemy import Connection, Engine, text

from agora.bandwidth.fetch import Fetch, Fetched
from agora.bandwidth.normalise import normalise
from agora.bandwidth.response_rows import raw_response, read
from agora.bandwidth.shared_client import shared_client
from agora.bandwidth.window import Edge, oldest_day
from agora.settings.connections import DashboardSettings
from agora.warehouse import merge_app_days, raw_responses
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bench.documents import rewrite
from tests.bench.job import Job
from tests.bench.limits import fetch as discarding
from tests.bench.ours import account_of, planned
from tests.bench.workload import Workload
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

LOAD = Workload(200, 31)
ROUNDS = 5
DOCUMENT = ROOT / "docs" / "performance.md"
LOADED = "load: COPY, insert with guards, commit"
# Loading without one of its parts.
WITHOUT = {
    "load without recording changes": (
        "alter table core.app_day disable trigger user",
        "alter table core.app_day enable trigger user",
    ),
}


@dataclass
class Stages:
    """Seconds by stage: wall time, CPU time of this process, and CPU time of its server process."""

    wall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    own: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    server: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def stage(self, name: str, backend: int | None = None) -> Iterator[None]:
        """Measure the time of a `with` block."""
        before = _cpu_seconds(os.getpid()), _cpu_seconds(backend), time.perf_counter()
        yield
        self.wall[name].append(time.perf_counter() - before[2])
        self.own[name].append(_cpu_seconds(os.getpid()) - before[0])
        self.server[name].append(_cpu_seconds(backend) - before[1])

    def table(self) -> list[str]:
        """Return the medians as a table."""
        head = [
            f"| {LOAD.name}, each stage alone | seconds | CPU: collector | CPU: PostgreSQL process |",
            "|---|---|---|---|",
        ]
        return head + [
            f"| {name} | {statistics.median(self.wall[name]):.2f} | {statistics.median(self.own[name]):.2f}"
            f" | {statistics.median(self.server[name]):.2f} |"
            for name in self.wall
        ]


def main() -> Callable[[], None]:
    """Measure each stage and print medians; return a function that writes them into docs/performance.md."""
    stages = Stages()
    with (
        running_sandbox(apps=LOAD.apps, window="60 days", quiet=True) as sandbox,
        throwaway(durable=True) as server,
        tempfile.TemporaryDirectory() as scratch,
    ):
        migrate(server.url())
        job = _job(sandbox, server, scratch)
        asyncio.run(discarding.fetched(job))  # renders the responses
        for _ in range(ROUNDS):
            _round(stages, job, server)
    print("\n".join(lines := stages.table()) + "\n")
    return partial(rewrite, DOCUMENT, "stages", "\n".join(lines) + "\n")


def _round(stages: Stages, job: Job, server: Throwaway) -> None:
    loader, owner = warehouse_engine(server.url("loader")), warehouse_engine(server.url())
    with owner.begin() as connection:
        connection.execute(text("truncate raw.bandwidth_response, core.vendor_account cascade"))
    with stages.stage("fetch the responses, discard them"):
        asyncio.run(discarding.fetched(job))
    chunks = asyncio.run(_fetched(stages, account_of(job), job, loader))
    with stages.stage("build raw rows with digests"):
        stored = [
            [raw_response(*one.key, one.answer, one.answer.fetched_at) for one in chunk if one.answer]
            for chunk in chunks
        ]
    with owner.connect() as connection:
        backend = connection.execute(text("select pg_backend_pid()")).scalar_one()
        connection.commit()
        with stages.stage("store raw: COPY, commit", backend):
            for responses in stored:
                _commit(connection, raw_responses.store, responses)
        with stages.stage("decode"):
            outcomes = [[read(response) for response in responses] for responses in stored]
        with stages.stage("normalise: one DataFrame per chunk"):
            batches = [normalise(chunk, "UTC") for chunk in outcomes]
        load = partial(merge_app_days.load, conn_id=account_of(job).conn_id)
        for name, (before, after) in {LOADED: ("select", "select"), **WITHOUT}.items():
            _commit(connection, _execute, f"truncate core.app_day; {before}")
            with stages.stage(name, backend):
                for batch in batches:
                    _commit(connection, load, batch)
            _commit(connection, _execute, after)
    loader.dispose()
    owner.dispose()


async def _fetched(
    stages: Stages, account: DashboardSettings, job: Job, engine: Engine
) -> list[list[Fetched]]:
    with stages.stage("plan"):
        requested = planned(account, job, engine).app_days
    with stages.stage("fetch: rate limit, retries, size cap, typed errors"):
        today = account.today(datetime.now(UTC))
        edge = Edge(requested, oldest_day(account.window, today), today)
        async with (
            shared_client(account, engine) as client,
            aclosing(Fetch(edge, client).chunks()) as chunks,
        ):
            return [chunk async for chunk in chunks]


def _commit(connection: Connection, work: Callable[[Connection, Any], object], argument: Any) -> None:
    with connection.begin():
        work(connection, argument)


def _execute(connection: Connection, sql: str) -> None:
    connection.execute(text(sql))


def _cpu_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _job(sandbox: RunningSandbox, server: Throwaway, scratch: str) -> Job:
    return Job(
        base_url=sandbox.base_url,
        customer_id=sandbox.customer_id,
        customer_certificate=sandbox.customer_certificate,
        max_concurrency=16,
        app_ids=sandbox.app_ids,
        usage_dates=[str(day) for day in LOAD.usage_dates(datetime.now(UTC).date())],
        database_url=server.url("loader"),
        schema="core",
        scratch=scratch,
    )
