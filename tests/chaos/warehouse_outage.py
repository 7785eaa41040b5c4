"""The warehouse is down for a while, by default an hour, during a real run of the nightly DAG.

`python -m tests.chaos.warehouse_outage --minutes 60`: a real Airflow, whose own database stays up, and a
durable warehouse on another server. Without any intervention, the run must succeed and be complete.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agora.warehouse.migrations.migrate import migrate
from deploy.local import airflow_setup, stack
from deploy.local.postgres_throwaway import Throwaway, throwaway
from deploy.local.settings import Settings, free_port
from tests.bandwidth.collect.night import product, window_days
from tests.chaos.checker import check, committed, missing
from tests.chaos.truth import Truth
from tests.stack.stack import LiveStack
from tests.support.sandbox_server import RunningSandbox, running_sandbox

DAILY = "agora_bandwidth_daily"
APPS = 20
PATIENCE_SECONDS = 3600.0  # longer than the longest pause between two attempts
Json = dict[str, object]


def run(minutes: float) -> list[str]:
    """Take the warehouse down for a time, print the events, and return the violations."""
    with (
        throwaway(durable=True) as server,
        running_sandbox(apps=APPS, quiet=True) as sandbox,
        _live(server, sandbox) as live,
    ):
        run_id = str(live.call("POST", _RUNS, {"logical_date": None, "conf": {}})["dag_run_id"])
        _wait_until_some_are_in(server)
        with server.connect() as connection:
            acknowledged = committed(connection)
        server.stop()
        print(f"The warehouse is down, with {len(acknowledged):,} app-days in it.", flush=True)
        _watch(live, run_id, minutes * 60)
        server.start()
        print("The warehouse is up again.", flush=True)
        found = _ended(live, run_id)
        with server.connect() as connection:
            findings = check(connection, Truth(sandbox, None), acknowledged)
            gaps = missing(connection, product(sandbox.app_ids, window_days(sandbox)))
            found += findings.examples + [f"{len(gaps)} gaps"] * bool(gaps)
            print(f"{len(committed(connection)):,} app-days collected, {len(gaps)} gaps.")
    return found


_RUNS = f"/api/v2/dags/{DAILY}/dagRuns"


@contextmanager
def _live(server: Throwaway, sandbox: RunningSandbox) -> Iterator[LiveStack]:
    """Run Airflow on a separate sandbox and warehouse, before the DAG is triggered."""
    migrate(server.url())
    home = Path(tempfile.mkdtemp(prefix="agora-outage-"))
    settings = Settings(home / "local", free_port(), free_port(), free_port())
    try:
        live = LiveStack(stack.start(settings, stack.DEMO, airflow_setup.set_up_airflow))
        live.set_apps(sandbox.app_ids[:1])
        live.api.put_connection(
            "agora_dashboard",
            conn_type="agora_dashboard",
            host=sandbox.base_url,
            login=sandbox.customer_id,
            password=sandbox.customer_certificate,
            extra='{"requests_per_second": 30}',  # some twenty seconds for all of it
        )
        live.api.put_connection(
            "agora_warehouse",
            conn_type="postgres",
            host=server.host,
            port=server.port,
            schema="warehouse",
            login="loader",
            password=server.passwords["loader"],
        )
        airflow_setup.unpause(live.stack)
        live.scheduled_run()
        live.set_apps(sandbox.app_ids)
        yield live
    finally:
        stack.clean(settings)
        home.rmdir()


def _wait_until_some_are_in(server: Throwaway) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with server.connect() as connection:
            if len(committed(connection)) > 5 * APPS:
                return
        time.sleep(0.2)
    raise TimeoutError("the nightly run collected nothing")


def _watch(live: LiveStack, run_id: str, seconds: float) -> None:
    """Print each change in the run's tasks for a number of seconds."""
    end = time.monotonic() + seconds
    printed = ""
    while time.monotonic() < end:
        tasks = ", ".join(
            f"{task['task_id'].rpartition('.')[2]} {task['state']} (try {task['try_number']})"
            for task in live.api.task_instances(DAILY, run_id)
            if task["state"] in ("up_for_retry", "running", "failed", "upstream_failed")
        )
        if tasks != printed:
            print(f"{(seconds - end + time.monotonic()) / 60:5.1f} min: {tasks}", flush=True)
        printed = tasks
        time.sleep(2)


def _ended(live: LiveStack, run_id: str) -> list[str]:
    """Wait until the run ends; return the error if it failed."""
    begun = time.monotonic()
    while (run := live.call("GET", f"{_RUNS}/{run_id}"))["state"] not in ("success", "failed"):
        if time.monotonic() - begun > PATIENCE_SECONDS:
            break
        time.sleep(2)
    tries = max(task["try_number"] for task in live.api.task_instances(DAILY, run_id))
    print(f"The run is {run['state']} {time.monotonic() - begun:.0f} s later; most attempts: {tries}.")
    return [] if run["state"] == "success" else [f"the run ended as {run['state']}: {run['note']}"]


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    found = run(parser.parse_args().minutes)
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main())
