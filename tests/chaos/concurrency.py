"""Many processes load the same app-days concurrently. A model then checks each app-day's history.

`python -m tests.chaos.concurrency --rounds 500` on a throw-away PostgreSQL with full durability.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import throwaway
from tests.chaos import concurrency_history as history
from tests.chaos.concurrency_answers import APP_IDS, FIRST_DAY, AppDay
from tests.chaos.concurrency_loaders import STOP_THE_CLOCK, load_together
from tests.chaos.concurrency_model import Loaded, findings
from tests.warehouse.database import App, Warehouse

PROCESSES = 8


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run.

    Attributes:
        responses: Number of delivered responses.
        versions: Number of written rows.
        app_days: Number of app-days.
        deadlocks: Number of deadlocks that PostgreSQL detected.
        findings: Violations of the rules.
    """

    responses: int
    versions: int
    app_days: int
    deadlocks: int
    findings: list[str]


def run(warehouse: Warehouse, *, seed: int, rounds: int, processes: int = PROCESSES) -> Report:
    """Let the processes load, and check the outcome.

    Args:
        warehouse: A migrated, empty warehouse.
        seed: Determines every response. The order of the loads depends on the machine.
        rounds: Number of rounds. In each, all processes load the same app-days.
        processes: Number of processes.
    """
    warehouse.add_account()
    warehouse.add_apps(App(app_id, FIRST_DAY) for app_id in APP_IDS)
    warehouse.run(history.RECORD_HISTORY)
    warehouse.run(STOP_THE_CLOCK)
    loaded, broken = load_together(warehouse.url("loader"), seed, rounds, processes)
    by_app_day: dict[AppDay, list[Loaded]] = defaultdict(list)
    for one in loaded:
        by_app_day[one.delivery.app_day].append(one)
    versions = history.read(warehouse)
    found = broken or [
        *(
            f"{app_day[0]} {app_day[1]}: {finding}"
            for app_day in sorted(by_app_day.keys() | versions.keys())
            for finding in findings(by_app_day[app_day], versions[app_day])
        ),
        *history.restatement_findings(warehouse, versions),
        *history.outdated_rows(warehouse),
        *history.raw_findings(warehouse, (one.delivery for one in loaded)),
    ]
    (counted,) = warehouse.rows("select deadlocks from pg_stat_database where datname = current_database()")
    if counted["deadlocks"]:
        found.append(f"{counted['deadlocks']} deadlocks")
    return Report(len(loaded), sum(map(len, versions.values())), len(versions), counted["deadlocks"], found)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    begun = time.monotonic()
    with throwaway(durable=True) as server:
        migrate(server.url())
        report = run(Warehouse(server, "warehouse"), seed=chosen.seed, rounds=chosen.rounds)
    for finding in report.findings[:20]:
        print(finding)
    print(
        f"{PROCESSES} processes, {chosen.rounds} rounds, seed {chosen.seed}: {report.responses:,} responses"
        f" for {report.app_days:,} app-days, {report.versions:,} rows written, {report.deadlocks} deadlocks,"
        f" {len(report.findings):,} findings, {time.monotonic() - begun:.0f} s"
    )
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(_main())
