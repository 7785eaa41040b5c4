"""Collect the app-days given in the environment, and print the peak memory of this process."""

from __future__ import annotations

import asyncio
import json
import os
import re
from datetime import date
from pathlib import Path

from agora.bandwidth import fetch
from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.settings.connections import parse_dashboard
from agora.warehouse.engine import warehouse_engine


def peak_kib() -> int:
    """Return the peak resident memory of this process, as reported by Linux."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


async def main() -> None:
    account = parse_dashboard("agora_dashboard", json.loads(os.environ["ACCOUNT"]))
    app_days = [(app_id, date.fromisoformat(day)) for app_id, day in json.loads(os.environ["APP_DAYS"])]
    engine = warehouse_engine(os.environ["WAREHOUSE_URL"])
    before_kib = peak_kib()
    async with DashboardClient(account) as client:
        summary = await collect(app_days, client, engine)
    engine.dispose()
    result = {"before_kib": before_kib, "peak_kib": peak_kib(), "requested": summary.requested}
    print(json.dumps(result))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    fetch.CHUNK_SECONDS = 3600  # chunks are full even on a slow machine
    asyncio.run(main())
