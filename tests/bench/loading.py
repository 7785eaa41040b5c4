"""HTTP to commit, beside the bare COPY of the same points, in interleaved rounds of one run."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import aiohttp

from agora.bandwidth.collect import collect
from agora.bandwidth.plan import plan
from agora.bandwidth.shared_pace import shared_client
from agora.settings import parse_apps, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrate import migrate
from embedded.postgres import Throwaway, throwaway
from sandbox.testing import RunningSandbox, running_sandbox
from tests.bench import workload
from tests.bench.measure import Sample, measured
from tests.bench.workload import Workload

ROUNDS = 5
WORKLOADS = (Workload(1000, 1), Workload(200, 31))
OURS = "HTTP to commit: plan, fetch, raw, decode, load"
FETCH = "the same answers fetched and thrown away"
POINTS = "bare COPY, one row a point, keyed"
DAYS = "bare COPY, one row an app-day, keyed"


def main() -> None:
    """Measure each workload and print medians and ratios."""
    print(f"PostgreSQL with fsync and synchronous_commit on. {ROUNDS} interleaved rounds, medians.\n")
    for load in WORKLOADS:
        with (
            running_sandbox(apps=load.apps, window="60 days", quiet=True) as sandbox,
            throwaway(durable=True) as server,
        ):
            _report(load, _rounds(load, sandbox, server))


def _rounds(load: Workload, sandbox: RunningSandbox, server: Throwaway) -> dict[str, list[Sample]]:
    usage_dates = load.usage_dates(datetime.now(UTC).date())
    account = _account(sandbox)
    asked = [(app_id, day) for day in usage_dates for app_id in sandbox.app_ids]
    grid = workload.grid_of(sandbox, sandbox.app_ids, usage_dates)
    files = {
        POINTS: ("point_row", workload.points_file(grid, load.apps, usage_dates)),
        DAYS: ("day_row", workload.days_file(grid, load.apps, usage_dates)),
    }
    # The sandbox renders each answer once; what is measured is collecting, not the model of traffic.
    asyncio.run(_fetch_only(account, asked))
    migrate(server.url())
    with server.connect() as owner, owner.cursor() as cursor:
        cursor.execute(workload.POINTS_TABLE + ";" + workload.DAYS_TABLE)
    processes = {"collector": os.getpid(), "sandbox": sandbox.pid, "PostgreSQL": server.pid}
    samples: dict[str, list[Sample]] = {name: [] for name in (OURS, FETCH, POINTS, DAYS)}
    for _ in range(ROUNDS):
        for name, work in _works(load, account, sandbox, server, asked, files, usage_dates[0]).items():
            _empty(server)
            samples[name].append(measured(work, processes))
            _check(name, load, server)
    return samples


def _works(
    load: Workload,
    account: Any,
    sandbox: RunningSandbox,
    server: Throwaway,
    asked: list[tuple[str, date]],
    files: dict[str, tuple[str, bytes]],
    first: date,
) -> dict[str, Callable[[], None]]:
    apps = parse_apps([{"app_id": app_id, "collect_from": str(first)} for app_id in sandbox.app_ids])

    async def ours() -> None:
        engine = warehouse_engine(server.url("loader"))
        planned = await plan(account, apps, engine, datetime.now(UTC))
        async with shared_client(account, engine) as client:
            await collect([day[:2] for day in planned.app_days], client, engine)

    def bare(name: str) -> Callable[[], None]:
        def work() -> None:
            with server.connect() as connection:
                workload.copy_file(connection, *files[name])

        return work

    return {
        OURS: lambda: asyncio.run(ours()),
        FETCH: lambda: asyncio.run(_fetch_only(account, asked)),
        POINTS: bare(POINTS),
        DAYS: bare(DAYS),
    }


def _account(sandbox: RunningSandbox) -> Any:
    return parse_dashboard(
        "agora_dashboard",
        {
            "base_url": sandbox.base_url,
            "customer_id": sandbox.customer_id,
            "customer_certificate": sandbox.customer_certificate,
            "window": "60 days",
            "requests_per_second": 1_000_000,
        },
    )


async def _fetch_only(account: Any, asked: list[tuple[str, date]]) -> None:
    todo = iter(asked)
    login = aiohttp.encode_basic_auth(account.customer_id, account.customer_certificate.get_secret_value())

    async def work(session: aiohttp.ClientSession) -> None:
        for app_id, day in todo:
            url = f"{account.base_url}/apps/{app_id}/usages/bandwidth"
            async with session.get(url, params={"date": day.strftime("%Y%m%d")}) as answer:
                await answer.read()

    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(account.max_concurrency):
            group.create_task(work(session))


def _empty(server: Throwaway) -> None:
    with server.connect() as owner, owner.cursor() as cursor:
        cursor.execute("truncate raw.bandwidth_response, core.vendor_account, point_row, day_row cascade")


def _check(name: str, load: Workload, server: Throwaway) -> None:
    """Refuse to time work that was not done."""
    count, expected = {
        OURS: ("select sum(points) from core.app_day", load.points),
        FETCH: ("select 0", 0),
        POINTS: ("select count(*) from point_row", load.points),
        DAYS: ("select count(*) from day_row", load.app_days),
    }[name]
    with server.connect() as owner, owner.cursor() as cursor:
        cursor.execute(count)
        found = cursor.fetchone()
    if found is None or found[0] != expected:
        raise SystemExit(f"{load.name}, {name}: {found} where {expected} was to be there")


def _report(load: Workload, samples: dict[str, list[Sample]]) -> None:
    walls = {name: statistics.median(s.wall_seconds for s in rounds) for name, rounds in samples.items()}
    print(f"{load.name} = {load.points:,} points")
    print(f"  {'':50} {'seconds':>8} {'points/s':>11} {'ours ÷ it':>10}   CPU seconds")
    for name, rounds in samples.items():
        cpu = ", ".join(
            f"{who} {statistics.median(s.cpu_seconds[who] for s in rounds):.2f}"
            for who in rounds[0].cpu_seconds
        )
        per_second, ratio = load.points / walls[name], walls[OURS] / walls[name]
        print(f"  {name:50} {walls[name]:8.2f} {per_second:11,.0f} {ratio:10.2f}   {cpu}")
    print()
