"""Send requests as fast as the account's shared rate limit allows, until the input ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import cycle

from agora.bandwidth.shared_client import shared_client
from agora.client.dashboard import DashboardClient
from agora.errors import RateLimited
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine

CONCURRENCY = 4


async def send_requests(client: DashboardClient, app_id: str, day: date) -> None:
    while True:
        try:
            await client.bandwidth(app_id, day)
        except RateLimited:
            continue


async def main() -> None:
    account = parse_dashboard("agora_dashboard", json.loads(os.environ["ACCOUNT"]))
    engine = warehouse_engine(os.environ["WAREHOUSE_URL"])
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    async with shared_client(account, engine) as client:
        print("begun", flush=True)  # noqa: T201 - the parent process waits for it
        await asyncio.to_thread(sys.stdin.readline)
        app_ids = cycle(json.loads(os.environ["APPS"]))
        requests = [
            asyncio.create_task(send_requests(client, next(app_ids), yesterday)) for _ in range(CONCURRENCY)
        ]
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        done, _ = await asyncio.wait([ended, *requests], return_when=asyncio.FIRST_COMPLETED)
        for task in requests:
            task.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await asyncio.gather(*done)
        print(json.dumps({"requests": client.transport.requests}), flush=True)  # noqa: T201 - the parent process reads it
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
