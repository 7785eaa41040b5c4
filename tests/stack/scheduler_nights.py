"""Airflow's scheduler and DAG processor over simulated days, with a clock that is wrong for one minute.

Run this file as a program, because Airflow reads AIRFLOW_HOME on import. The program parses this project's
DAGs into a database and calls the functions with which Airflow computes and creates scheduled runs. The last
line of the output is JSON.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import airflow.timetables.interval
import airflow.timetables.trigger
import pendulum
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

STARTS_AT = pendulum.datetime(2026, 11, 2, 12, tz="UTC")
PARSE = timedelta(hours=12)


class Log:
    """Counts the scheduler's warnings. An exception that the scheduler only logs ends the program."""

    def __init__(self) -> None:
        self.warnings: Counter[str] = Counter()

    def warning(self, message: str, *args: Any, **fields: Any) -> None:
        self.warnings[message] += 1

    def error(self, message: str, *args: Any, **fields: Any) -> None:
        raise AssertionError(f"{message} {fields}") from sys.exception()

    exception = error

    def info(self, *args: Any, **fields: Any) -> None:
        pass

    debug = info


class Nights:
    """The scheduled DAGs, their simulated clock, and the runs that Airflow created."""

    def __init__(self, dags: Path) -> None:
        self.now = STARTS_AT
        self.log = Log()
        pendulum.now = lambda tz=None: self.now
        for module in (airflow.timetables.interval, airflow.timetables.trigger):
            vars(module)["utcnow"] = lambda: self.now
        initdb()
        self.bag = DagBag(dags, bundle_path=dags, bundle_name="ours")
        assert not self.bag.import_errors, self.bag.import_errors
        with create_session() as session:
            session.add(DagBundleModel(name="ours"))
        log: Any = self.log
        self.runner = SchedulerJobRunner(Job(), log=log)  # type: ignore[no-untyped-call]
        self.parse()
        with create_session() as session:
            for model in session.scalars(select(DagModel)):
                model.is_paused = False
        self.schedule()

    def parse(self) -> None:
        """Parse the DAG files, as the DAG processor does repeatedly."""
        with create_session() as session:
            sync_bag_to_db(self.bag, "ours", None, session=session)

    def schedule(self) -> None:
        """Create the runs that are due. Each run succeeds immediately."""
        with create_session() as session:
            for run in session.scalars(select(DagRun)):
                run.state = DagRunState.SUCCESS
            due = [*session.scalars(select(DagModel).where(DagModel.next_dagrun_create_after <= self.now))]
            for model in due:
                model.exceeds_max_non_backfill = False
            self.runner._create_dag_runs(due, session)

    def advance(self, hours: float, step: timedelta = PARSE) -> None:
        """Let time pass. After each step, the files are parsed and the scheduler loops twice."""
        until = self.now + timedelta(hours=hours)
        while self.now < until:
            self.now += step
            self.parse()
            self.schedule()
            self.schedule()

    def waits(self) -> dict[str, float]:
        """Return the number of days until each DAG's next run."""
        with create_session() as session:
            return {
                model.dag_id: (model.next_dagrun_create_after - self.now).total_seconds() / 86400
                for model in session.scalars(select(DagModel))
                if model.next_dagrun_create_after
            }

    def runs(self) -> dict[str, list[str]]:
        """Return the times of each DAG's scheduled runs."""
        runs: dict[str, list[str]] = {}
        with create_session() as session:
            for run in session.scalars(select(DagRun).order_by(DagRun.run_after)):
                runs.setdefault(run.dag_id, []).append(run.run_after.isoformat())
        return runs


def main(dags: Path, days_ahead: int) -> None:
    """Simulate two days, a minute with a wrong clock, and the days until its runs are past."""
    nights = Nights(dags)
    nights.advance(48)
    correct_time = nights.now
    nights.now = correct_time + timedelta(days=days_ahead)
    nights.advance(1 / 60, step=timedelta(minutes=1))
    nights.now = correct_time
    nights.advance(12)
    waits = nights.waits()
    early_warnings = sum(nights.log.warnings.values())
    nights.advance(24 * (days_ahead + 9) - 12)
    sys.stdout.write(
        "\n"
        + json.dumps(
            {
                "waits": waits,
                "waits_at_the_end": nights.waits(),
                "runs": nights.runs(),
                "ended_at": nights.now.isoformat(),
                "early_warnings": early_warnings,
                "warnings": nights.log.warnings,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
