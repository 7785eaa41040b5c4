"""The CPU time of a collecting run's tasks, each as a ratio to an empty task measured beside it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta

from agora.resources import DAGS
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from deploy.local.settings import HOST
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

ROUNDS = 5
APPS = 20


def main() -> None:
    """Print the CPU time of each task, and the sum of what the tasks take beyond an empty task."""
    with running_sandbox(apps=APPS, quiet=True) as sandbox, throwaway(durable=True) as server:
        migrate(server.url())
        rounds = [_measure(sandbox, server) for _ in range(ROUNDS)]
    medians = {name: statistics.median(seconds[name] for seconds in rounds) for name in rounds[0]}
    empty, *tasks = medians.values()
    print(f"CPU time of a task's process, {APPS} apps, {ROUNDS} interleaved rounds")
    for name, median in medians.items():
        print(f"  {name:50} {1000 * median:8.0f} ms   ÷ empty {median / empty:6.1f}")
    ours = sum(tasks) - len(tasks) * empty
    print(f"  {'a run: beyond four empty tasks':50} {1000 * ours:8.0f} ms   ÷ empty {ours / empty:6.1f}\n")


def _measure(sandbox: RunningSandbox, server: Throwaway) -> dict[str, float]:
    """Return the CPU seconds of an empty task and of each task of a run that collects one day."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    apps = [{"app_id": app_id, "collect_from": f"{yesterday}"} for app_id in sandbox.app_ids]
    dashboard = {
        "conn_type": "agora_dashboard",
        "host": sandbox.base_url,
        "login": sandbox.customer_id,
        "password": sandbox.customer_certificate,
        "extra": {"settle_days": 0, "requests_per_second": 1000},
    }
    warehouse = {
        "conn_type": "postgres",
        "host": HOST,
        "port": server.port,
        "schema": "warehouse",
        "login": "loader",
        "password": server.passwords["loader"],
    }
    with server.connect() as owner, owner.cursor() as cursor:
        cursor.execute("truncate raw.bandwidth_response, core.vendor_account cascade")
    with tempfile.TemporaryDirectory() as home:
        completed = subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-m", "tests.bench.task_processes"),
                *(str(DAGS / "agora_bandwidth_daily.py"), home),
            ],
            env={
                **os.environ,
                "AIRFLOW_HOME": home,
                "AIRFLOW_CONN_AGORA_DASHBOARD": json.dumps(dashboard),
                "AIRFLOW_CONN_AGORA_WAREHOUSE": json.dumps(warehouse),
                "AIRFLOW_VAR_AGORA_APPS": json.dumps(apps),
                "AIRFLOW_VAR_AGORA_CONTRACTS": "[]",
                "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            },
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return dict(json.loads(completed.stdout.strip().rpartition("\n")[2]))
