"""PostgreSQL clients beside a night: analysts under pgbench, and a pg_dump that outlasts the night."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agora.bandwidth.plan import Days
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.roles import SUPERUSER
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import Throwaway
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.client_programs import client, reading_analysts, run_client
from tests.warehouse.database import Warehouse

SECONDS = 60
# pg_dump locks every table after it has taken its snapshot.
DUMPING = """
select from pg_locks inner join pg_stat_activity using (pid)
where application_name = 'pg_dump' and relation = 'raw.bandwidth_response'::regclass and granted
"""


@contextmanager
def waiting_dump(warehouse: Warehouse) -> Iterator[subprocess.Popen[bytes]]:
    """Run pg_dump until it has its snapshot and its locks. It keeps them until its output is read."""
    command, environment = client(warehouse.url(SUPERUSER), "pg_dump", "--format=custom")
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
    with running_sandbox(apps=4, quiet=True) as sandbox:
        days, night = window_days(sandbox), night_of(sandbox, warehouse)
        sandbox.put_faults([{"kind": "restate", "factor": 2}])
        replace(night, apps=night.apps[:2]).run()
        refresh(loader)
        sandbox.put_faults([])
        before = warehouse.checksums()

        # The night adds two apps and replaces every point of the others.
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
        run_client(restored.url(SUPERUSER), "pg_restore", *arguments, data=dumped)
        assert restored.checksums() == before != warehouse.checksums()
    finally:
        postgres.drop_database(restored.database)
