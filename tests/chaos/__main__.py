"""`make chaos`: kills the collector, PostgreSQL and Airflow's parts, and checks the warehouse.

Linux only (fork, /proc). It needs no packages other than those of `make test`.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator

from agora.warehouse.engine import warehouse_engine
from deploy.local.errors import StackError
from tests.chaos import airflow_kills, bad_loader, kills, table
from tests.chaos.kills import Outcome
from tests.chaos.site import ChaosError, site
from tests.chaos.table import Line
from tests.support.environment import clear_caller_environment

PARTS = ("collector", "server", "airflow")
# Kills in a full run, and in a short one.
COUNTS = {"collector": (1000, 40), "server": (200, 10), "airflow": (50, 1)}
CONTROL_KILLS = 300  # at most; a control ends at its first finding


def main() -> int:
    """Run the chosen parts, and return the exit status."""
    if sys.platform != "linux":
        print("make chaos needs Linux, because it uses fork and /proc.")
        return 1
    arguments = _arguments()
    clear_caller_environment()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"Seed {seed} (SEED={seed} repeats the same moments).", flush=True)
    lines: list[Line] = []
    aborted = ""
    try:
        for part in arguments.parts or PARTS:
            full, subset = COUNTS[part]
            for line in RUN[part](seed, full if arguments.full else subset):
                print(f"  {line.name}: {line.verdict}", flush=True)
                lines.append(line)
    except (ChaosError, StackError) as error:
        aborted = f"Aborted: {error}"
    print(f"\nSeed {seed}\n\n{table.text(lines)}\n\nKills by step:\n{table.kills_by_step(lines)}")
    for line in lines:
        for example in line.outcome.findings.examples[: 1 if line.is_control else None]:
            print(f"{line.name}: {example}")
    if aborted:
        print(aborted)
    return 1 if aborted or not all(line.is_as_expected for line in lines) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--full", action="store_true", help="1,000, 200 and 50 kills each")
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


def _collector(seed: int, count: int) -> Iterator[Line]:
    name = "collector"
    with site(random.Random(f"{seed} {name}")) as good:
        yield Line(name, kills.run(good, kills.kill_collector, count, _progress(name, count)))
    name = "control: collector without a transaction"
    with site(random.Random(f"{seed} {name}"), load=bad_loader.load) as bad:
        progress = _progress(name, CONTROL_KILLS)
        outcome = kills.run(bad, kills.kill_collector, CONTROL_KILLS, progress, until_found=True)
        yield Line(name, outcome, is_control=True)


def _server(seed: int, count: int) -> Iterator[Line]:
    name = "PostgreSQL, all processes"
    with site(random.Random(f"{seed} {name}")) as good:
        yield Line(name, kills.run(good, kills.crash_server, count, _progress(name, count)))
    name = "control: PostgreSQL with synchronous_commit = off"
    # The product refuses such a server, so this control uses its engine without that check.
    off = {"synchronous_commit": "off"}
    with site(random.Random(f"{seed} {name}"), off, make_engine=warehouse_engine) as bad:
        progress = _progress(name, CONTROL_KILLS)
        outcome = kills.run(bad, kills.crash_server, CONTROL_KILLS, progress, until_found=True)
        yield Line(name, outcome, is_control=True)


def _airflow(seed: int, count: int) -> Iterator[Line]:
    outcome = airflow_kills.run(random.Random(f"{seed} airflow"), count, lambda text: print(text, flush=True))
    yield Line("scheduler, api-server, dag-processor, tasks, in turn", outcome)


def _progress(name: str, count: int) -> Callable[[Outcome], None]:
    began = time.monotonic()

    def progress(outcome: Outcome) -> None:
        found = outcome.findings.counts.total() + outcome.gaps
        print(
            f"  {name}: {outcome.kills} of {count} kills, {outcome.acknowledged:,} acknowledged,"
            f" {found} findings, {time.monotonic() - began:.0f} s",
            flush=True,
        )

    return progress


RUN = {"collector": _collector, "server": _server, "airflow": _airflow}

if __name__ == "__main__":
    sys.exit(main())
