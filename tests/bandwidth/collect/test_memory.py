"""Bombs and endless bodies in every answer, at full speed: the collector stays small."""

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
from tests.bandwidth.answers import body
from tests.bandwidth.collect.night import configured_and_planned
from tests.bandwidth.collect.wire_poison import Serve, bomb, endless, whole
from tests.client.push_stream_requests import CERTIFICATE, account
from tests.client.raw_server import RawServer, answer, raw_server
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

MOST_MIB = 256
APPS = 60
DAYS = 25

BOMB = answer(200, bomb(), Content_Encoding="gzip")
HUGE = {"a gzip bomb": whole(lambda _: BOMB), "an endless body": endless(chunked=False)}


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the memory of a process is read from Linux's /proc"
)
@pytest.mark.parametrize("name", HUGE)
def test_huge_answers_take_little_memory(name: str, warehouse: Warehouse) -> None:
    weighed = asyncio.run(collected_by_a_child(warehouse, HUGE[name]))
    assert weighed["requested"] == APPS * DAYS
    assert warehouse.rows("select state, count(*) from core.app_day group by state") == [
        {"state": "rejected", "count": APPS * DAYS}
    ]
    before, peak = (weighed[figure] / 1024 for figure in ("before_kib", "peak_kib"))
    print(f"{name} {APPS * DAYS:,} times: {peak:.0f} MiB at most, {before:.0f} MiB before")  # noqa: T201
    assert peak < MOST_MIB


async def collected_by_a_child(warehouse: Warehouse, serve: Serve) -> dict[str, Any]:
    """Plan here with sound answers, then collect in a child, to which every answer is the huge one."""
    assert APPS * DAYS >= 3 * CHUNK_APP_DAYS, "as many chunks as may be under way at once"
    served: list[Serve] = [whole(lambda sound: answer(200, sound))]
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
        planned = configured_and_planned(engine, settings, apps)
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
            "ASKED": json.dumps([(app_id, day.isoformat()) for app_id, day in planned.app_days]),
            "WAREHOUSE_URL": warehouse.url("loader"),
        }
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bandwidth.collect.collect_and_weigh"),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await child.communicate()
    assert child.returncode == 0
    return dict(json.loads(said))
