"""HTTP to commit, compared with the limits and the alternatives in interleaved rounds of one run."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.roles import SUPERUSER
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bench import loading_record, machine, workload
from tests.bench.child import Sample, measured
from tests.bench.contestants import CONTESTANTS, Contestant, Kind
from tests.bench.job import Job
from tests.bench.limits.fetch import fetched
from tests.bench.loading_result import Result
from tests.bench.workload import Workload
from tests.support.sandbox_server import RunningSandbox, running_sandbox

ROUNDS = 5
# A contestant that has taken longer than this in total is not run again.
ENOUGH_SECONDS = 60
MAX_CONCURRENCY = 16
SMALLER = Workload(1000, 1)
WORKLOADS = (Workload(200, 31), SMALLER)


def main() -> Callable[[], None]:
    """Measure each workload and print medians and ratios; return a function that documents them."""
    results = []
    for load in WORKLOADS:
        with (
            running_sandbox(apps=load.apps, window="60 days", quiet=True) as sandbox,
            throwaway(durable=True) as server,
            tempfile.TemporaryDirectory() as scratch,
        ):
            with server.connect() as owner:
                description = machine.described(owner)
            run = _Run(load, sandbox, server, Path(scratch))
            results.append(Result(load, run.samples()))
            print(loading_record.table(results[-1]))
            if load == SMALLER:
                run.run_again()
    print(description)
    return partial(loading_record.write, results, description)


class _Run:
    """A workload's servers and the contestants' jobs."""

    def __init__(self, load: Workload, sandbox: RunningSandbox, server: Throwaway, scratch: Path) -> None:
        self._load, self._sandbox, self._server, self._scratch = load, sandbox, server, scratch
        self._usage_dates = load.usage_dates(datetime.now(UTC).date())
        self._servers = {"sandbox": sandbox.pid, "PostgreSQL": server.pid}
        # The sandbox renders each response once beforehand, so that only collecting is measured.
        asyncio.run(fetched(self._job(CONTESTANTS[0])))
        self._kbps = self._prepare()

    def samples(self) -> dict[Contestant, list[Sample]]:
        """Run all contestants in turn, each on empty tables."""
        samples: dict[Contestant, list[Sample]] = {contestant: [] for contestant in CONTESTANTS}
        for _ in range(ROUNDS):
            for contestant, own in samples.items():
                if sum(sample.wall_seconds for sample in own) < ENOUGH_SECONDS:
                    self._empty(contestant)
                    own.append(self._sample(contestant, empty=True))
        return samples

    def run_again(self) -> None:
        """Run all contestants except the limits again, untimed, which must change nothing."""
        for contestant in CONTESTANTS:
            if contestant.kind != Kind.LIMIT:
                self._sample(contestant, empty=False)

    def _sample(self, contestant: Contestant, *, empty: bool) -> Sample:
        def before() -> None:
            if empty:
                self._empty(contestant)
            self._checkpoint()

        sample = measured(contestant, self._job(contestant), self._servers, before)
        self._check(contestant)
        return sample

    def _job(self, contestant: Contestant) -> Job:
        return Job(
            base_url=self._sandbox.base_url,
            customer_id=self._sandbox.customer_id,
            customer_certificate=self._sandbox.customer_certificate,
            max_concurrency=MAX_CONCURRENCY,
            app_ids=self._sandbox.app_ids,
            usage_dates=[str(day) for day in self._usage_dates],
            database_url=self._server.url(contestant.role).replace("+psycopg2", ""),
            schema=contestant.schema,
            scratch=str(self._scratch),
        )

    def _prepare(self) -> float:
        """Create schemas, tables and prepared files; return the sum of all points."""
        grid = workload.grid_of(self._sandbox, self._sandbox.app_ids, self._usage_dates)
        points = workload.points_file(grid, self._load.apps, self._usage_dates)
        (self._scratch / "point_row").write_bytes(points)
        days = workload.days_file(grid, self._load.apps, self._usage_dates)
        (self._scratch / "day_row").write_bytes(days)
        migrate(self._server.url())
        self._execute(workload.POINTS_TABLE + ";" + workload.DAYS_TABLE)
        for contestant in CONTESTANTS:
            self._execute(f"create schema if not exists {contestant.schema}")
        return float(grid.sum())

    def _empty(self, contestant: Contestant) -> None:
        if contestant.tables:
            # A competitor creates its own table.
            with suppress(psycopg2.errors.UndefinedTable):
                self._execute(f"truncate {contestant.tables} cascade")

    def _check(self, contestant: Contestant) -> None:
        """Stop if the work was not done."""
        if contestant.points:
            count, kbps = self._execute(f"select count(*), sum(kbps) from {contestant.points} as p")[0]
            if count != self._load.points or not math.isclose(kbps, self._kbps, rel_tol=1e-9):
                raise SystemExit(f"{self._load.name}, {contestant.name}: {count} points, sum {kbps}")

    def _checkpoint(self) -> None:
        """Write all dirty pages, so that no contestant pays for another's writes."""
        with self._server.connect(SUPERUSER) as connection, connection.cursor() as cursor:
            cursor.execute("checkpoint")

    def _execute(self, statement: str) -> Sequence[Any]:
        with self._server.connect() as owner, owner.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
