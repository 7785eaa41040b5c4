"""Eight processes under one hidden limit that moves: `python -m tests.rate_limit.shared_rate` prints a table.

Real processes over real HTTP against the sandbox, with the account's rate limit in a real PostgreSQL.
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
    """What the sandbox counted while one limit held.

    Attributes:
        per_second: The limit.
        allowed: Number of calls that the limit allows.
        answered: Number that it admitted.
        refused: How many it answered with 429.
        inside_retry_after: How many came although the caller had been told to wait.
    """

    per_second: float
    allowed: float
    answered: int
    refused: int
    inside_retry_after: int


@dataclass
class Measured:
    """A run's phases, and how many requests each process sent."""

    phases: list[Phase]
    by_process: list[int]

    @property
    def admitted_share(self) -> float:
        """Of what was allowed in all."""
        return sum(phase.answered for phase in self.phases) / sum(phase.allowed for phase in self.phases)

    @property
    def refused_share(self) -> float:
        """Of all requests."""
        refused = sum(phase.refused for phase in self.phases)
        return refused / (refused + sum(phase.answered for phase in self.phases))

    @property
    def inside_retry_after(self) -> int:
        """Requests that should have waited."""
        return sum(phase.inside_retry_after for phase in self.phases)


def measure(
    sandbox: RunningSandbox,
    warehouse_url: str,
    *,
    configured_per_second: float,
    limits: Sequence[float] = LIMITS,
    seconds: float,
) -> Measured:
    """Let eight processes ask while the limit moves.

    Args:
        sandbox: What they ask.
        warehouse_url: As the loader; knows the account agora_dashboard.
        configured_per_second: What the connection says.
        limits: Calls a second, one after the other.
        seconds: For how long each of them holds.
    """
    account = account_of(sandbox, requests_per_second=configured_per_second)
    with _askers(account, warehouse_url, sandbox.app_ids) as processes:
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
            said, _ = process.communicate()
            if process.returncode:
                raise RuntimeError(f"an asking process ended with {process.returncode}")
            sent.append(int(json.loads(said)["requests"]))
    return Measured(phases, sent)


@contextmanager
def _askers(
    account: DashboardSettings, warehouse_url: str, app_ids: Sequence[str]
) -> Iterator[list[subprocess.Popen[str]]]:
    """Start the processes and wait until each has begun; end them whatever happens."""
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
            [sys.executable, "-m", "tests.rate_limit.asker"],
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
                raise RuntimeError("an asking process did not begin")
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdin is None:
        raise RuntimeError("an asking process has no input")
    return process.stdin


def main() -> None:
    """Measure as the command line says, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long each limit holds")
    parser.add_argument("--configured", type=float, default=20, help="requests_per_second of the connection")
    parser.add_argument("--retry-after", type=int, help="seconds that each 429 tells to wait")
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
    print("| limit a second | allowed | answered | 429s | inside a Retry-After |\n|---|---|---|---|---|")  # noqa: T201
    for phase in measured.phases:
        print(  # noqa: T201
            f"| {phase.per_second:g} | {phase.allowed:.0f} | {phase.answered} | {phase.refused}"
            f" | {phase.inside_retry_after} |"
        )
    print(  # noqa: T201
        f"\n{measured.admitted_share:.1%} of what was allowed, {measured.refused_share:.2%} 429s,"
        f" {measured.inside_retry_after} inside a Retry-After; requests by process {measured.by_process}"
    )


if __name__ == "__main__":
    main()
