"""PostgreSQL's own client programs, and analysts who compare the views under pgbench."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from sqlalchemy.engine import make_url

from deploy.local.postgres_binaries import find_programs
from tests.warehouse.database import Warehouse

ANALYSTS = 4
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


def client(url: str, program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a PostgreSQL client program."""
    parts = make_url(url)
    login = {
        "PGHOST": f"{parts.host}",
        "PGPORT": f"{parts.port}",
        "PGDATABASE": f"{parts.database}",
        "PGUSER": f"{parts.username}",
        "PGPASSWORD": f"{parts.password}",
    }
    return [str(find_programs().directory / program), *arguments], {**os.environ, **login}


def run_client(url: str, program: str, *arguments: str, data: bytes | None = None) -> None:
    """Run a client program, which must succeed."""
    command, environment = client(url, program, *arguments)
    done = subprocess.run(
        command, env=environment, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout.decode()


@contextmanager
def reading_analysts(warehouse: Warehouse, directory: Path) -> Iterator[None]:
    """Let analysts compare views without a pause. At the end, every comparison must have held."""
    scripts = []
    for name, statements in COMPARISONS.items():
        script = directory / f"{name}.sql"
        script.write_text("\n".join(line.strip() for line in statements.splitlines()))
        scripts.append(f"--file={script}")
    arguments = ("--no-vacuum", f"--client={ANALYSTS}", "--transactions=2", *scripts)
    ended = Event()

    def read() -> None:
        while not ended.is_set():
            run_client(warehouse.url("analyst"), "pgbench", *arguments)

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read)
        try:
            yield
        finally:
            ended.set()
        reading.result()
