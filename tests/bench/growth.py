"""A month of 10,000 apps (89 million points), loaded night by night, then queried with typical queries.

`GROWTH_APPS=500 make bench PARTS=growth` uses fewer apps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bench import growth_bytes, growth_queries
from tests.bench.workload import Workload
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

LOAD = Workload(int(os.environ.get("GROWTH_APPS", "10000")), 31)


def main() -> None:
    """Load the month and run the queries."""
    with (
        running_sandbox(apps=LOAD.apps, window="60 days", quiet=True) as sandbox,
        throwaway(durable=True) as server,
    ):
        migrate(server.url())
        print(f"Growth: {LOAD.name} = {LOAD.points:,} points; PostgreSQL with its default memory settings.\n")
        _report_nights(_nights(sandbox, server, LOAD.usage_dates(datetime.now(UTC).date())))
        sandbox.stop()
        with server.connect("postgres") as superuser, superuser.cursor() as cursor:
            started = time.perf_counter()
            cursor.execute("vacuum (analyze)")
            print(f"vacuum and analyze: {time.perf_counter() - started:.1f} s\n")
            growth_bytes.report(cursor, LOAD.points)
        with tempfile.NamedTemporaryFile(
            "w", prefix="agora-growth-plans-", suffix=".txt", delete=False
        ) as plans:
            growth_queries.report(server, Path(plans.name))


def _nights(sandbox: RunningSandbox, server: Throwaway, usage_dates: list[date]) -> Iterator[dict[str, Any]]:
    job = {
        "account": {
            "base_url": sandbox.base_url,
            "customer_id": sandbox.customer_id,
            "customer_certificate": sandbox.customer_certificate,
            "window": "60 days",
            "requests_per_second": 1_000_000,
        },
        "app_ids": sandbox.app_ids,
        "usage_dates": [str(day) for day in usage_dates],
        "warehouse_url": server.url("loader"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.growth_nights"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps(job) + "\n")
        child.stdin.close()
        for line in child.stdout:
            night = json.loads(line)
            if (night["received"], night["changed"]) != (LOAD.apps, LOAD.apps):
                child.kill()
                raise SystemExit(f"{night}: not every app-day was collected")
            yield night


def _report_nights(coming: Iterator[dict[str, Any]]) -> None:
    print("Night by night in one process; the sandbox renders each response on its first request.")
    print(f"  {'usage date':12} {'collect s':>9} {'refresh s':>9} {'peak MiB':>9}")
    nights = []
    for night in coming:
        nights.append(night)
        print(
            f"  {night['usage_date']:12} {night['collect_seconds']:9.2f} {night['refresh_seconds']:9.2f}"
            f" {night['peak_mib']:9.1f}",
            flush=True,
        )
    collects = [night["collect_seconds"] for night in nights]
    third = len(nights) // 3
    print(f"  collecting in all {sum(collects):.0f} s, {LOAD.points / sum(collects):,.0f} points per second")
    print(f"  last third ÷ first third: {mean(collects[-third:]) / mean(collects[:third]):.2f}")
    print(f"  peak memory, last ÷ first: {nights[-1]['peak_mib'] / nights[0]['peak_mib']:.2f}\n")


if __name__ == "__main__":
    main()
