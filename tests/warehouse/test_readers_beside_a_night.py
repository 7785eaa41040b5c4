"""PostgreSQL clients beside a night: analysts under pgbench, and a pg_dump that outlasts the night."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from agora.bandwidth.plan import Days
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.roles import SUPERUSER
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import Throwaway
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

ANALYSTS = 4
SECONDS = 60
# pg_dump locks every table after it has taken its snapshot.
DUMPING = """
select from pg_locks inner join pg_stat_activity using (pid)
where application_name = 'pg_dump' and relation = 'raw.bandwidth_response'::regclass and granted
"""
# Each comparison divides by zero if it fails, which ends pgbench with an error. `:rank` is the number of the
# ignored highest points plus one.
COMPARISONS = {
    # One statement sees whole days only, and the same points in both views.
    "a_statement": """
        select 1 / (not exists (
            select from mart.bandwidth_daily as daily
            full join (
                select app_id, usage_date, count(*) as points, sum(kbps) as kbps
                from mart.bandwidth_5min where usage_date > '2000-01-01' group by app_id, usage_date
            ) as day using (app_id, usage_date)
            where daily.points is distinct from coalesce(day.points, 0) or daily.points not in (0, 288)
                or daily.volume_bytes is distinct from day.kbps * 37500
        ))::int;
    """,
    # In one snapshot, ledger and bills agree with the points, also before the stored figures are refreshed.
    "a_snapshot": """
        begin isolation level repeatable read read only;
        select count(*) as points, count(distinct interval_start) as slots
        from mart.bandwidth_5min where usage_date > '2000-01-01' \\gset five_
        select coalesce(sum(points), 0) as points from mart.coverage \\gset ledger_
        select coalesce(sum(points), 0) as points from mart.billing_monthly \\gset bill_
        select coalesce(sum(points), 0) as points from mart.billing_monthly_total \\gset total_
        select count(*) as apps from (
            select app_id, month, p95_kbps from mart.billing_monthly where points > 0
            except
            select
                app_id,
                date_trunc('month', usage_date::timestamp)::date,
                (array_agg(kbps order by kbps desc))[5 * count(*) / 100 + 1]
            from mart.bandwidth_5min where usage_date > '2000-01-01' group by 1, 2
        ) as different \\gset wrong_
        \\if :five_points <> :ledger_points or :five_points <> :bill_points or :five_slots <> :total_points
            select 1 / 0 as points_differ;
        \\endif
        \\if :wrong_apps <> 0
            select 1 / 0 as percentiles_differ;
        \\endif
        commit;
    """,
}


def client(server: Throwaway, role: str, program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a PostgreSQL client program."""
    login = {
        "PGHOST": server.host,
        "PGPORT": f"{server.port}",
        "PGUSER": role,
        "PGPASSWORD": server.passwords[role],
    }
    return [str(server.cluster.programs.directory / program), *arguments], {**os.environ, **login}


def run(server: Throwaway, role: str, program: str, *arguments: str, data: bytes | None = None) -> str:
    command, environment = client(server, role, program, *arguments)
    done = subprocess.run(
        command, env=environment, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@contextmanager
def reading_analysts(warehouse: Warehouse, directory: Path) -> Iterator[None]:
    """Let analysts compare views without a pause. At the end, every comparison must have held."""
    scripts = []
    for name, statements in COMPARISONS.items():
        script = directory / f"{name}.sql"
        script.write_text("\n".join(line.strip() for line in statements.splitlines()))
        scripts.append(f"--file={script}")
    arguments = ("--no-vacuum", f"--client={ANALYSTS}", "--transactions=2", *scripts, warehouse.database)
    ended = Event()

    def read() -> None:
        while not ended.is_set():
            run(warehouse.server, "analyst", "pgbench", *arguments)

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read)
        try:
            yield
        finally:
            ended.set()
        reading.result()


@contextmanager
def waiting_dump(warehouse: Warehouse) -> Iterator[subprocess.Popen[bytes]]:
    """Run pg_dump until it has its snapshot and its locks. It keeps them until its output is read."""
    command, environment = client(
        warehouse.server, SUPERUSER, "pg_dump", "--format=custom", warehouse.database
    )
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as dump:
        deadline = time.monotonic() + SECONDS
        try:
            while not warehouse.rows(DUMPING, role=SUPERUSER):
                assert time.monotonic() < deadline, "pg_dump does not lock the tables"
                time.sleep(0.05)
            yield dump
        finally:
            dump.kill()


@pytest.mark.slow
def test_analysts_and_a_dump_see_whole_days_and_hold_up_no_night(
    warehouse: Warehouse, postgres: Throwaway, tmp_path: Path
) -> None:
    loader = warehouse_engine(warehouse.url("loader"))
    with running_sandbox(apps=6, quiet=True) as sandbox:
        days, night = window_days(sandbox), night_of(sandbox, warehouse)
        sandbox.put_faults([{"kind": "restate", "factor": 2}])
        replace(night, apps=night.apps[:3]).run()
        refresh(loader)
        sandbox.put_faults([])
        before = warehouse.checksums()

        # The night adds three apps and replaces every point of the others.
        with waiting_dump(warehouse) as dump:
            with reading_analysts(warehouse, tmp_path):
                for part in (days[:10], days[10:20], days[20:]):
                    night.run(Days(part[0], part[-1], reload=True))
                    refresh(loader)
            assert_collected(night, sandbox, product(sandbox.app_ids, days))
            assert warehouse.rows(DUMPING, role=SUPERUSER), "the dump ended before the night"
            dumped, _ = dump.communicate()
        assert dump.returncode == 0
    loader.dispose()

    postgres.create_database(f"{warehouse.database}_restored")
    restored = Warehouse(postgres, f"{warehouse.database}_restored")
    try:
        arguments = ("--exit-on-error", "--single-transaction", f"--dbname={restored.database}")
        run(postgres, SUPERUSER, "pg_restore", *arguments, data=dumped)
        assert restored.checksums() == before != warehouse.checksums()
    finally:
        postgres.drop_database(restored.database)
