"""Measure eight processes under one changing limit: `python -m tests.rate_limit.shared_rate` prints a table.

Real processes send HTTP requests to the sandbox and share the account's rate limit in a real PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from agora.settings.connections import DashboardSettings
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import throwaway
from tests.bandwidth.collect.night import account_of
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

PROCESSES = 8
LIMITS = (10, 2, 10)


@dataclass
class Phase:
    """The sandbox's counts while one limit was in effect.

    Attributes:
        per_second: The limit, in calls per second.
        allowed: Number of calls that the limit allows.
        admitted: Number of calls that the sandbox admitted.
        throttled: Number of calls with the response 429.
        inside_retry_after: Number of calls sent before a Retry-After had passed.
    """

    per_second: float
    allowed: float
    admitted: int
    throttled: int
    inside_retry_after: int


@dataclass
class Measured:
    """The phases of a measurement, and the number of requests sent by each process."""

    phases: list[Phase]
    by_process: list[int]

    @property
    def admitted_share(self) -> float:
        """Admitted calls as a share of all allowed calls."""
        return sum(phase.admitted for phase in self.phases) / sum(phase.allowed for phase in self.phases)

    @property
    def throttled_share(self) -> float:
        """429s as a share of all requests."""
        throttled = sum(phase.throttled for phase in self.phases)
        return throttled / (throttled + sum(phase.admitted for phase in self.phases))

    @property
    def inside_retry_after(self) -> int:
        """Number of requests sent before a Retry-After had passed."""
        return sum(phase.inside_retry_after for phase in self.phases)


def measure(
    sandbox: RunningSandbox,
    warehouse_url: str,
    *,
    configured_per_second: float,
    limits: Sequence[float] = LIMITS,
    seconds: float,
) -> Measured:
    """Let eight processes send requests while the limit changes.

    Args:
        sandbox: The sandbox to send requests to.
        warehouse_url: URL for the role `loader`. The warehouse contains the account `agora_dashboard`.
        configured_per_second: The `requests_per_second` of the connection.
        limits: Consecutive limits, in calls per second.
        seconds: Duration of each limit.
    """
    account = account_of(sandbox, requests_per_second=configured_per_second)
    with _workers(account, warehouse_url, sandbox.app_ids) as processes:
        phases = []
        for number, limit in enumerate(limits):
            sandbox.put_rate_limit(limit)
            sandbox.reset_stats()
            if number == 0:
                for process in processes:
                    _stdin(process).write("go\n")
                    _stdin(process).flush()
            time.sleep(seconds)
            stats = sandbox.stats()
            by_status = stats["by_status"]
            phases.append(
                Phase(
                    limit,
                    stats["allowed"],
                    by_status.get("200", 0),
                    by_status.get("429", 0),
                    stats["inside_retry_after"],
                )
            )
        sent = []
        for process in processes:
            output, _ = process.communicate()
            if process.returncode:
                raise RuntimeError(f"a requesting process ended with {process.returncode}")
            sent.append(int(json.loads(output)["requests"]))
    return Measured(phases, sent)


@contextmanager
def _workers(
    account: DashboardSettings, warehouse_url: str, app_ids: Sequence[str]
) -> Iterator[list[subprocess.Popen[str]]]:
    """Start the processes, wait until each has begun, and always end them."""
    fields = account.model_dump(mode="json", exclude={"conn_id"})
    fields["customer_certificate"] = account.customer_certificate.get_secret_value()
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "ACCOUNT": json.dumps(fields),
        "APPS": json.dumps(list(app_ids)),
        "WAREHOUSE_URL": warehouse_url,
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.rate_limit.worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            if process.stdout is None or process.stdout.readline() != "begun\n":
                raise RuntimeError("a requesting process did not begin")
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdin is None:
        raise RuntimeError("a requesting process has no input")
    return process.stdin


def main() -> None:
    """Measure with the settings from the command line, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="duration of each limit")
    parser.add_argument("--configured", type=float, default=20, help="requests_per_second of the connection")
    parser.add_argument("--retry-after", type=int, help="Retry-After of each 429, in seconds")
    options = parser.parse_args()
    with (
        running_sandbox(apps=8, quiet=True, retry_after=options.retry_after) as sandbox,
        throwaway() as server,
    ):
        migrate(server.url())
        with server.connect() as owner, owner.cursor() as cursor:
            cursor.execute("insert into core.vendor_account values ('agora_dashboard', 'UTC', '1 month')")
        measured = measure(
            sandbox, server.url("loader"), configured_per_second=options.configured, seconds=options.seconds
        )
    print("| limit per second | allowed | admitted | 429s | inside a Retry-After |\n|---|---|---|---|---|")  # noqa: T201
    for phase in measured.phases:
        print(  # noqa: T201
            f"| {phase.per_second:g} | {phase.allowed:.0f} | {phase.admitted} | {phase.throttled}"
            f" | {phase.inside_retry_after} |"
        )
    print(  # noqa: T201
        f"\n{measured.admitted_share:.1%} of the allowed calls, {measured.throttled_share:.2%} 429s,"
        f" {measured.inside_retry_after} inside a Retry-After; requests by process {measured.by_process}"
    )


if __name__ == "__main__":
    main()
