"""A run in a process of its own, to be killed; the environment tells it what to collect into what."""

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
from tests.bandwidth.collect.night import configured_and_planned


async def main() -> None:
    account = parse_dashboard("agora_dashboard", json.loads(os.environ["ACCOUNT"]))
    engine = warehouse_engine(os.environ["WAREHOUSE_URL"])
    print("begun", flush=True)  # noqa: T201 - the test waits for it
    planned = configured_and_planned(engine, account, parse_apps(os.environ["APPS"]))
    async with DashboardClient(account) as client:
        await collect(planned.app_days, client, engine)
    engine.dispose()


if __name__ == "__main__":
    fetch.CHUNK_SECONDS = 0.05  # many commits, so that kills meet them
    asyncio.run(main())
