"""One step of a night in its own process, as in Airflow: reads its job from stdin and prints its figures."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from agora.bandwidth.collect import collect
from agora.bandwidth.plan import plan
from agora.bandwidth.shared_client import shared_client
from agora.client.dashboard import CONFIRMING_APPS
from agora.dag_support.batches import Batch, split_into_batches
from agora.settings.apps import parse_apps
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse import app_days, apps, planning_queries, stored_aggregates
from agora.warehouse.clock import clock_difference
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.schema_version import SQL
from tests.bench.growth_nights import peak_kib

Job = dict[str, Any]


def plan_night(job: Job, account: DashboardSettings, engine: Engine) -> Job:
    """Store the configured apps, plan, and write the batches into files."""
    configured = parse_apps(json.loads(Path(job["apps_file"]).read_text()))
    app_ids = [app.app_id for app in configured]
    with engine.begin() as connection:
        worker_now = datetime.now(UTC)
        now = worker_now + clock_difference(connection, worker_now)
        apps.retire(connection, app_ids, "bench")
        apps.sync(connection, account, configured)
    with engine.connect() as connection:
        planned = plan(connection, account, app_ids, account.today(now))
    files, sizes = [], []
    for number, batch in enumerate(
        split_into_batches(
            account.conn_id,
            planned.app_days,
            planned_at=now,
            requests_per_second=account.requests_per_second,
        )
    ):
        file = Path(job["directory"]) / f"batch_{number:04}.json"
        file.write_text(json.dumps(asdict(batch)))
        files.append(str(file))
        sizes.append(file.stat().st_size)
    return {
        "app_days": len(planned.app_days),
        "rechecks": planned.rechecks,
        "left": planned.left,
        "batches": files,
        "largest_batch_bytes": max(sizes, default=0),
    }


def collect_batch(job: Job, account: DashboardSettings, engine: Engine) -> Job:
    """Collect one batch."""
    return asyncio.run(_collect_batch(Batch(**json.loads(Path(job["batch"]).read_text())), account, engine))


async def _collect_batch(batch: Batch, account: DashboardSettings, engine: Engine) -> Job:
    planned, since = batch.app_days(), datetime.fromisoformat(batch.planned_at)
    with engine.connect() as connection:
        done, refused = planning_queries.results(connection, planned, since)
        witnesses = planning_queries.served(connection, batch.conn_id, most=CONFIRMING_APPS)
    requested = [day for day in planned if day not in done]
    async with shared_client(account, engine) as client:
        result = await collect(requested, client, engine, witnesses=witnesses, refused_before=refused)
    with engine.connect() as connection:
        states, changed = app_days.states(connection, planned, since)
    return {"received": result.received, "changed": changed, "states": states}


def refresh_aggregates(_job: Job, _account: DashboardSettings, engine: Engine) -> Job:
    """Refresh the stored aggregates, as the end of a run does."""
    stored_aggregates.refresh(engine)
    return {}


def check_data(_job: Job, _account: DashboardSettings, engine: Engine) -> Job:
    """Run every check, and return the names of failed ones."""
    failed = []
    for path in sorted((SQL / "checks").glob("*.sql")):
        with engine.begin() as connection:
            row = connection.execute(text(path.read_text("utf-8"))).mappings().one()
        failed += [f"{path.stem}: {name}" for name, is_true in row.items() if not is_true]
    return {"failed": failed}


STEPS: dict[str, Callable[[Job, DashboardSettings, Engine], Job]] = {
    "plan": plan_night,
    "collect": collect_batch,
    "aggregates": refresh_aggregates,
    "checks": check_data,
}


def _main() -> None:
    job = json.loads(sys.stdin.read())
    engine = warehouse_engine(job["warehouse_url"])
    account = parse_dashboard("agora_dashboard", job["account"])
    figures = STEPS[job["step"]](job, account, engine)
    engine.dispose()
    measured = {"cpu_seconds": time.process_time(), "peak_mib": peak_kib() / 1024}
    sys.stdout.write(json.dumps({**figures, **measured}))


if __name__ == "__main__":
    _main()
