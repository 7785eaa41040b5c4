"""Many processes load the same app-days at once; every app-day's history is then judged by a model.

`python -m tests.chaos.concurrency --rounds 500` on a throw-away PostgreSQL that is as durable as a real one.
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
    """What came of it.

    Attributes:
        answers: How many were brought.
        versions: How many rows were written.
        app_days: How many app-days there are.
        deadlocks: How many PostgreSQL broke.
        findings: What must not be.
    """

    answers: int
    versions: int
    app_days: int
    deadlocks: int
    findings: list[str]


def run(warehouse: Warehouse, *, seed: int, rounds: int, processes: int = PROCESSES) -> Report:
    """Let the processes load, and judge what came of it.

    Args:
        warehouse: Migrated and empty.
        seed: Decides every answer; who comes first is the machine's.
        rounds: In each, all processes load the same app-days.
        processes: How many.
    """
    warehouse.add_account()
    warehouse.add_apps(App(app_id, FIRST_DAY) for app_id in APP_IDS)
    warehouse.run(history.KEEP_HISTORY)
    warehouse.run(STOP_THE_CLOCK)
    loaded, broken = load_together(warehouse.url("loader"), seed, rounds, processes)
    by_app_day: dict[AppDay, list[Loaded]] = defaultdict(list)
    for one in loaded:
        by_app_day[one.said.app_day].append(one)
    versions = history.read(warehouse)
    found = broken or [
        *(
            f"{app_day[0]} {app_day[1]}: {finding}"
            for app_day in sorted(by_app_day.keys() | versions.keys())
            for finding in findings(by_app_day[app_day], versions[app_day])
        ),
        *history.trace_findings(warehouse, versions),
        *history.not_as_last_written(warehouse),
        *history.raw_findings(warehouse, (one.said for one in loaded)),
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
        f"{PROCESSES} processes, {chosen.rounds} rounds, seed {chosen.seed}: {report.answers:,} answers for"
        f" {report.app_days:,} app-days, {report.versions:,} rows written, {report.deadlocks} deadlocks,"
        f" {len(report.findings):,} findings, {time.monotonic() - begun:.0f} s"
    )
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(_main())
