"""A run for tests that kill it. The environment sets the account, the apps and the warehouse."""

from __future__ import annotations

import asyncio
import json
import os

from agora.bandwidth import fetch
from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import sync_and_plan


async def main() -> None:
    account = parse_dashboard("agora_dashboard", json.loads(os.environ["ACCOUNT"]))
    engine = warehouse_engine(os.environ["WAREHOUSE_URL"])
    print("begun", flush=True)  # noqa: T201 - the test waits for it
    planned = sync_and_plan(engine, account, parse_apps(os.environ["APPS"]))
    async with DashboardClient(account) as client:
        await collect(planned.app_days, client, engine)
    engine.dispose()


if __name__ == "__main__":
    fetch.CHUNK_SECONDS = 0.05  # many commits, so that a kill can hit one
    asyncio.run(main())
