"""Nights of collecting in a separate process, which reads its job and reports the duration of each night."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from agora.bandwidth.collect import collect
from agora.bandwidth.shared_client import shared_client
from agora.settings.apps import parse_apps
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse import apps, stored_aggregates
from agora.warehouse.engine import warehouse_engine


async def nights(
    account: DashboardSettings, app_ids: list[str], usage_dates: list[date], engine: Engine
) -> None:
    """Collect all apps one usage date at a time, each followed by the refresh that ends a run."""
    with engine.begin() as connection:
        configured = [{"app_id": app_id, "collect_from": str(usage_dates[0])} for app_id in app_ids]
        apps.sync(connection, account, parse_apps(configured))
    for usage_date in usage_dates:
        _reset_peak()
        started = time.perf_counter()
        async with shared_client(account, engine) as client:
            summary = await collect([(app_id, usage_date) for app_id in app_ids], client, engine)
        collected = time.perf_counter()
        stored_aggregates.refresh(engine)
        refreshed = time.perf_counter()
        _report(
            usage_date=str(usage_date),
            received=summary.received,
            changed=summary.changed,
            collect_seconds=collected - started,
            refresh_seconds=refreshed - collected,
            peak_mib=peak_kib() / 1024,
        )


def _reset_peak() -> None:
    """Reset the peak of resident memory."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_kib() -> int:
    """Return the peak of this process's resident memory."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _report(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def _main() -> None:
    job = json.loads(sys.stdin.readline())
    engine = warehouse_engine(job["warehouse_url"])
    usage_dates = [date.fromisoformat(day) for day in job["usage_dates"]]
    asyncio.run(
        nights(parse_dashboard("agora_dashboard", job["account"]), job["app_ids"], usage_dates, engine)
    )
    engine.dispose()


if __name__ == "__main__":
    _main()
