"""Decompression bombs and endless bodies in every response do not use much memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agora.bandwidth.fetch import CHUNK_APP_DAYS
from agora.settings.apps import parse_apps
from agora.warehouse.engine import warehouse_engine
from tests.bandwidth.collect.night import sync_and_plan
from tests.bandwidth.collect.wire_poison import Serve, bomb, endless, whole
from tests.bandwidth.response_bodies import body
from tests.client.push_stream_requests import CERTIFICATE, account
from tests.client.raw_server import RawServer, http_response, raw_server
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

MAX_MIB = 256
APPS = 60
DAYS = 25

BOMB = http_response(200, bomb(), Content_Encoding="gzip")
HUGE_RESPONSES = {"a gzip bomb": whole(lambda _: BOMB), "an endless body": endless(chunked=False)}


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reading the memory of a process needs /proc (Linux)"
)
@pytest.mark.parametrize("name", HUGE_RESPONSES)
def test_huge_responses_take_little_memory(name: str, warehouse: Warehouse) -> None:
    measured = asyncio.run(collect_in_child(warehouse, HUGE_RESPONSES[name]))
    assert measured["requested"] == APPS * DAYS
    assert warehouse.rows("select state, count(*) from core.app_day group by state") == [
        {"state": "rejected", "count": APPS * DAYS}
    ]
    before, peak = (measured[figure] / 1024 for figure in ("before_kib", "peak_kib"))
    print(f"{name} {APPS * DAYS:,} times: {peak:.0f} MiB at most, {before:.0f} MiB before")  # noqa: T201
    assert peak < MAX_MIB


async def collect_in_child(warehouse: Warehouse, serve: Serve) -> dict[str, Any]:
    """Plan with valid responses in this process, then collect huge responses in a child process."""
    assert APPS * DAYS >= 3 * CHUNK_APP_DAYS, "at least as many chunks as can be in flight"
    served: list[Serve] = [whole(lambda sound: http_response(200, sound))]
    server: RawServer

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        day = datetime.strptime(server.received[number].line.split("date=")[1][:8], "%Y%m%d").date()  # noqa: DTZ007
        await served[-1](writer, body(date=day.isoformat()))

    async with raw_server(behave) as server:
        settings = account(server.base_url)
        now = datetime.now(UTC)
        since = settings.today(now) - timedelta(days=DAYS)
        apps = parse_apps(
            [
                {"app_id": f"app{number}", "collect_from": str(since), "conn_id": settings.conn_id}
                for number in range(APPS)
            ]
        )
        engine = warehouse_engine(warehouse.url("loader"))
        planned = sync_and_plan(engine, settings, apps)
        engine.dispose()
        served.append(serve)
        environment = {
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "ACCOUNT": json.dumps(
                {
                    "base_url": server.base_url,
                    "customer_id": "customer",
                    "customer_certificate": CERTIFICATE,
                    "requests_per_second": 1_000_000,
                }
            ),
            "APP_DAYS": json.dumps([(app_id, day.isoformat()) for app_id, day in planned.app_days]),
            "WAREHOUSE_URL": warehouse.url("loader"),
        }
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bandwidth.collect.collect_and_measure"),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await child.communicate()
    assert child.returncode == 0
    return dict(json.loads(output))
