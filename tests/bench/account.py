"""Three nights of one account with 100,000 apps: plan, collect, aggregate and check, on real PostgreSQL.

Each step runs in its own process, as in Airflow. `ACCOUNT_APPS=20000` uses fewer apps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bench.documents import rewrite
from tests.bench.measure import Memory, cpu_seconds, watched
from tests.bench.soak.clock import simulated_clock
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

APPS = int(os.environ.get("ACCOUNT_APPS", "100000"))
NIGHTS = 3  # the third requests the first night's days again, because they have settled
DOCUMENT = ROOT / "docs" / "scaling.md"
AT = time_of_day(1, 30)
MIB = 2**20
SIZES = (
    "select pg_total_relation_size('core.app_day'), pg_total_relation_size('raw.bandwidth_response'),"
    " (select count(*) from core.app_day), (select count(*) from raw.bandwidth_response)"
)
HEAD = (
    *("night", "requests", "minutes", "plan, CPU s", "plan, MiB", "batches", "largest batch, kB"),
    *("collect, CPU s", "collect, MiB", "aggregates, CPU s", "checks, CPU s", "PostgreSQL, MiB"),
    *("bytes per point", "bytes per response"),
)


@dataclass
class Night:
    """The figures of one night.

    Attributes:
        cpu_seconds: By step: the step's processes and PostgreSQL together, without the sandbox.
        peak_mib: By step: the highest resident memory of one of its processes.
        server_bytes: The highest private memory of PostgreSQL.
    """

    number: int
    app_days: int = 0
    batches: int = 0
    largest_batch_bytes: int = 0
    seconds: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, float] = field(default_factory=dict)
    server_bytes: int = 0
    bytes_per_point: float = 0.0
    bytes_per_response: float = 0.0

    def cells(self) -> tuple[str, ...]:
        """Return the night's row in the table."""
        return (
            f"{self.number}",
            f"{self.app_days:,}",
            f"{self.seconds / 60:.1f}",
            f"{self.cpu_seconds['plan']:.1f}",
            f"{self.peak_mib['plan']:.0f}",
            f"{self.batches}",
            f"{self.largest_batch_bytes / 1000:,.0f}",
            f"{self.cpu_seconds['collect']:,.0f}",
            f"{self.peak_mib['collect']:.0f}",
            f"{self.cpu_seconds['aggregates']:.1f}",
            f"{self.cpu_seconds['checks']:.1f}",
            f"{self.server_bytes / MIB:,.0f}",
            f"{self.bytes_per_point:.2f}",
            f"{self.bytes_per_response:,.0f}",
        )


def main() -> Callable[[], None]:
    """Run the nights and print them; return a function that writes them into docs/scaling.md."""
    with simulated_clock() as (clock, home):
        first = datetime.combine(clock.now() + timedelta(days=1), AT, UTC)
        clock.set(first)
        with running_sandbox(apps=APPS, quiet=True) as sandbox, throwaway(durable=True) as server:
            migrate(server.url())
            print(
                f"{APPS:,} apps, {NIGHTS} nights, one process at a time; the sandbox renders each day once."
            )
            yesterday = (first - timedelta(days=1)).date()
            configured = [{"app_id": app_id, "collect_from": str(yesterday)} for app_id in sandbox.app_ids]
            (home / "apps.json").write_text(json.dumps(configured))
            rows = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
            print("\n".join(rows))
            for number in range(NIGHTS):
                if number:
                    clock.set(first + timedelta(days=number))
                row = f"| {' | '.join(_night(number + 1, home, sandbox, server).cells())} |"
                print(row, flush=True)
                rows.append(row)
    return lambda: rewrite(DOCUMENT, "account", "\n".join([f"{APPS:,} apps:", "", *rows, ""]))


def _night(number: int, home: Path, sandbox: RunningSandbox, server: Throwaway) -> Night:
    night, began = Night(number), time.perf_counter()
    memory = Memory(server.pid, "RssAnon")

    def step(name: str, **fields: Any) -> dict[str, Any]:
        before = cpu_seconds(server.pid)
        found = _run(name, home, sandbox, server, fields)
        seconds = found["cpu_seconds"] + cpu_seconds(server.pid) - before
        night.cpu_seconds[name] = night.cpu_seconds.get(name, 0) + seconds
        night.peak_mib[name] = max(night.peak_mib.get(name, 0), found["peak_mib"])
        return found

    with watched(memory):
        planned = step("plan")
        expected = APPS * (2 if number > 2 else 1)
        if (planned["app_days"], planned["left"]) != (expected, 0):
            raise SystemExit(f"Night {number} plans {planned['app_days']:,} app-days, not {expected:,}.")
        for batch in planned["batches"]:
            collected = step("collect", batch=batch)
            if {*collected["states"]} != {"collected"}:
                raise SystemExit(f"Not every app-day was collected: {collected['states']}")
        step("aggregates")
        if failed := step("checks")["failed"]:
            raise SystemExit(f"Checks failed: {', '.join(failed)}")
    night.seconds = time.perf_counter() - began
    night.app_days, night.batches = planned["app_days"], len(planned["batches"])
    night.largest_batch_bytes = planned["largest_batch_bytes"]
    night.server_bytes = memory.peak_bytes
    with server.connect("owner") as owner, owner.cursor() as cursor:
        cursor.execute(SIZES)
        [(points, responses, app_days, stored)] = cursor.fetchall()
    if app_days != APPS * number:
        raise SystemExit(f"After night {number}, {app_days:,} app-days are stored.")
    night.bytes_per_point, night.bytes_per_response = points / app_days / 288, responses / stored
    return night


def _run(
    step: str, home: Path, sandbox: RunningSandbox, server: Throwaway, fields: dict[str, Any]
) -> dict[str, Any]:
    job = {
        "step": step,
        "account": {
            "base_url": sandbox.base_url,
            "customer_id": sandbox.customer_id,
            "customer_certificate": sandbox.customer_certificate,
            "requests_per_second": 1_000_000,
        },
        "apps_file": str(home / "apps.json"),
        "directory": str(home),
        "warehouse_url": server.url("loader"),
        **fields,
    }
    completed = subprocess.run(
        [sys.executable, "-m", "tests.bench.account_step"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(completed.stdout))


if __name__ == "__main__":
    main()
