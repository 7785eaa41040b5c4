"""Our loader: plan, fetch, store raw, decode and load, as a task does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine

from agora.bandwidth.collect import collect
from agora.bandwidth.plan import Plan, plan
from agora.bandwidth.shared_client import shared_client
from agora.settings.apps import parse_apps
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse import apps
from agora.warehouse.engine import warehouse_engine
from tests.bench.job import Job, serve


def prepare(job: Job) -> Callable[[], None]:
    """Return the function that collects all missing app-days."""
    return lambda: asyncio.run(_collected(job))


def account_of(job: Job) -> DashboardSettings:
    """Return the sandbox's account, with an unlimited rate."""
    return parse_dashboard(
        "agora_dashboard",
        {
            "base_url": job.base_url,
            "customer_id": job.customer_id,
            "customer_certificate": job.customer_certificate,
            "window": "60 days",
            "requests_per_second": 1_000_000,
            "max_concurrency": job.max_concurrency,
        },
    )


def planned(account: DashboardSettings, job: Job, engine: Engine) -> Plan:
    """Write the configuration to the warehouse and plan."""
    configured = parse_apps(
        [{"app_id": app_id, "collect_from": job.usage_dates[0]} for app_id in job.app_ids]
    )
    with engine.begin() as connection:
        apps.sync(connection, account, configured)
    with engine.connect() as connection:
        return plan(connection, account, job.app_ids, account.today(datetime.now(UTC)))


async def _collected(job: Job) -> None:
    account = account_of(job)
    engine = warehouse_engine(job.database_url)
    app_days = planned(account, job, engine).app_days
    async with shared_client(account, engine) as client:
        await collect(app_days, client, engine)


if __name__ == "__main__":
    serve(prepare)
