"""Upgrades beside loaders and readers, and failed or killed upgrades, take effect fully or not at all."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg2 import extensions

from agora.errors import WarehouseError
from agora.warehouse.migrations import lock, verify
from agora.warehouse.migrations import migrate as module
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.migrations.schema_version import SQL, describe, this_release
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.conftest import fresh_warehouse
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse
from tests.warehouse.releases import HEAD, restored, schema

UNCHANGED = "Nothing was changed"
PASS_THE_GATE = "lock table public.gate in access share mode"
UP_TO_DATE = f"The schema is up to date with {describe(HEAD)}."
CREATED = f"Created the schema of {describe(HEAD)}."
WAITED = "Another upgrade is running. Waiting until it ends."
FROM_THE_FIRST = f"Upgrading from release 0.1.0 (revision 0001) to {describe(HEAD)}."
OWNER_WAITS = "usename = 'owner' and wait_event_type = 'Lock'"
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and {what}"
# The command without its server checks, which refuse the tests' server because a crash may lose commits.
PROCESS = """
import sys
from pathlib import Path
from agora.warehouse import owner
from agora.warehouse.migrations import migrate, verify

migrate.SQL = verify.SQL = Path(sys.argv[1])
owner.require_durable_server = lambda engine: engine
sys.exit(owner.run_as_owner(migrate.migrate))
"""
NEXT = """
from alembic import op

revision = "next"
down_revision = {head!r}
changed_figures = {changed_figures!r}


def upgrade():
    op.get_bind().exec_driver_sql({upgrade!r})
"""


@pytest.fixture(scope="module")
def first_template(postgres: Throwaway) -> Iterator[str]:
    with restored(postgres, "0.1.0") as warehouse:
        yield warehouse.database


@pytest.fixture(scope="module")
def upgraded_template(postgres: Throwaway, first_template: str) -> Iterator[str]:
    for warehouse in fresh_warehouse(postgres, first_template):
        migrate(warehouse.url())
        yield warehouse.database


@pytest.fixture
def first(postgres: Throwaway, first_template: str) -> Iterator[Warehouse]:
    """Yield a warehouse of release 0.1.0 with the data that it collected."""
    yield from fresh_warehouse(postgres, first_template)


@pytest.fixture
def upgraded(postgres: Throwaway, upgraded_template: str) -> Iterator[Warehouse]:
    """Yield the warehouse of release 0.1.0 after its upgrade to this release."""
    yield from fresh_warehouse(postgres, upgraded_template)


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that adds a migration to a copy of `sql`, activates the copy and returns it."""

    def make(upgrade: str = "select 1", changed_figures: tuple[str, ...] = ()) -> Path:
        sql = tmp_path / "sql"
        shutil.copytree(SQL, sql, ignore=shutil.ignore_patterns("__pycache__"))
        (sql / "migrations" / "versions" / "next.py").write_text(
            NEXT.format(head=HEAD, upgrade=upgrade, changed_figures=changed_figures)
        )
        for each in (module, verify):
            monkeypatch.setattr(each, "SQL", sql)
        return sql

    return make


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "agora")
    return caplog


def start(*command: str | Path, owner_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        env={"PYTHONPATH": str(ROOT / "plugins"), "AGORA_WAREHOUSE_OWNER_URL": owner_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    logged, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, "")
    return logged


def wait_until(warehouse: Warehouse, what: str, count: int = 1) -> None:
    deadline = time.monotonic() + 60
    while warehouse.rows(WAITING.format(what=what), role="postgres")[0]["count"] != count:
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def snapshot(warehouse: Warehouse) -> tuple[str, list[object]]:
    """Return the schema and digests of all rows."""
    tables = warehouse.rows(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname in ('core', 'raw', 'public') order by 1"
    )
    return schema(warehouse), [
        (
            table["name"],
            warehouse.rows(f"select md5(string_agg(t::text, '' order by t::text)) from {table['name']} t"),
        )
        for table in tables
    ]


@contextmanager
def unchanged(warehouse: Warehouse) -> Iterator[None]:
    before = snapshot(warehouse)
    yield
    assert snapshot(warehouse) == before


@contextmanager
def loading(warehouse: Warehouse) -> Iterator[extensions.cursor]:
    """Open a loader's transaction for the duration of a `with`."""
    with warehouse.connect("loader") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("set lock_timeout = '60s'")
        connection.commit()
        yield cursor
        connection.commit()


@contextmanager
def closed_gate(warehouse: Warehouse) -> Iterator[None]:
    """Stop an upgrade at its last migration for the duration of a `with`."""
    warehouse.run("create table public.gate ()")
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("begin; lock table public.gate")
        yield
        cursor.execute("commit")


def wait_at_gate(warehouse: Warehouse) -> None:
    wait_until(warehouse, f"query = '{PASS_THE_GATE}' and wait_event_type = 'Lock'")


def test_a_killed_upgrade_changes_nothing(
    first: Warehouse, next_release: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = next_release(PASS_THE_GATE)
    with unchanged(first):
        with closed_gate(first):
            process = start("-c", PROCESS, sql, owner_url=first.url())
            wait_at_gate(first)
            process.kill()
            process.communicate()
        wait_until(first, "usename = 'owner' and pid <> pg_backend_pid()", 0)
        first.run("drop table public.gate")
    monkeypatch.undo()
    migrate(first.url())


def test_an_upgrade_waits_for_a_loader_that_can_lock_more_tables(
    first: Warehouse, threads: ThreadPoolExecutor
) -> None:
    with loading(first) as cursor:
        cursor.execute("update core.vendor_account set refusal = ''")
        upgrade = threads.submit(migrate, first.url())
        wait_until(first, OWNER_WAITS)
        cursor.execute("update core.app_day set attempts = attempts + 1 where state = 'failed'")
        cursor.execute("update core.app set name = 'another'")
    upgrade.result(120)
    assert first.rows("select attempts from core.app_day where state = 'failed'") == [{"attempts": 2}]


def test_a_transaction_that_never_ends_stops_the_upgrade(
    first: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "GIVE_UP_AFTER_SECONDS", 1)
    with unchanged(first), loading(first) as cursor:
        cursor.execute("select from core.app_day")
        with pytest.raises(WarehouseError, match=f"waiting for a lock for too long: .*{UNCHANGED}"):
            migrate(first.url())


def test_a_loader_that_starts_during_an_upgrade_waits_and_continues(
    upgraded: Warehouse, next_release: Callable[..., Path], threads: ThreadPoolExecutor
) -> None:
    def load() -> None:
        with loading(upgraded) as cursor:
            cursor.execute("update core.app_day set attempts = attempts + 1 where state = 'failed'")

    next_release(PASS_THE_GATE)
    with closed_gate(upgraded):
        upgrade = threads.submit(migrate, upgraded.url())
        wait_at_gate(upgraded)
        loaded = threads.submit(load)
        wait_until(upgraded, "usename = 'loader' and wait_event_type = 'Lock'")
    upgrade.result(120)
    loaded.result(60)
    assert upgraded.rows("select attempts from core.app_day where state = 'failed'") == [{"attempts": 2}]


def test_readers_of_views_wait_and_continue(
    upgraded: Warehouse, next_release: Callable[..., Path], threads: ThreadPoolExecutor
) -> None:
    def read(view: str) -> None:
        upgraded.rows(f"select count(*) from mart.{view}", role="analyst")

    views = ("coverage", "billing_monthly", "bandwidth_daily")
    next_release(PASS_THE_GATE)
    with closed_gate(upgraded):
        upgrade = threads.submit(migrate, upgraded.url())
        wait_at_gate(upgraded)
        reading = [threads.submit(read, view) for view in views]
        wait_until(upgraded, "usename = 'analyst' and wait_event_type = 'Lock'", len(views))
    for each in (upgrade, *reading):
        each.result(120)


def test_an_upgrade_waits_for_a_running_reader(
    first: Warehouse, threads: ThreadPoolExecutor, log: pytest.LogCaptureFixture
) -> None:
    with first.connect("analyst") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("select count(*) from mart.coverage")
        upgrade = threads.submit(migrate, first.url())
        wait_until(first, OWNER_WAITS)
        cursor.execute("select count(*) from mart.billing_monthly")
        connection.commit()
    upgrade.result(120)
    assert log.messages[0] == FROM_THE_FIRST


def test_an_upgrade_without_changes_waits_for_no_session(
    upgraded: Warehouse, log: pytest.LogCaptureFixture
) -> None:
    with upgraded.connect("analyst") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("select count(*) from mart.coverage")
        migrate(upgraded.url())
    assert log.messages == [UP_TO_DATE]


def test_two_concurrent_upgrades_become_one(first: Warehouse) -> None:
    with loading(first) as cursor:
        cursor.execute("update core.app set name = name")
        both = [start("-c", PROCESS, SQL, owner_url=first.url()) for _ in range(2)]
        wait_until(first, OWNER_WAITS, 2)
    logs = sorted(finished(process).splitlines() for process in both)
    assert logs[0] == [WAITED, UP_TO_DATE]
    assert logs[1][0] == FROM_THE_FIRST
    assert "app-days: 53," in logs[1][-1]


def test_two_concurrent_first_migrations_become_one_and_are_both_logged() -> None:
    with throwaway(durable=True) as server:
        both = [start("-m", "agora.warehouse.migrations", owner_url=server.url()) for _ in range(2)]
        logs = sorted(finished(process).removeprefix(f"{WAITED}\n") for process in both)
    assert logs == [f"{CREATED}\n", f"{UP_TO_DATE}\n"]


@pytest.mark.parametrize(
    ("upgrade", "message"),
    [
        ("select no_such_function()", r"function no_such_function\(\) does not exist"),
        ("delete from core.app_day where state = 'failed'", "failed app-days: "),
        ("delete from raw.bandwidth_response where http_status = 503", "responses: "),
        (
            "update core.app_day set kbps_int4[7] = kbps_int4[7] + 1 where state = 'collected'",
            "collected app-days: digest was ",
        ),
        (
            "update core.app_day set usage_date = current_date - 1, reason = '' where state = 'failed'",
            "every_incomplete_day_says_why no longer holds",
        ),
    ],
    ids=["an error", "a missing day", "a missing response", "changed points", "a failing check"],
)
def test_an_upgrade_that_fails_at_its_end_changes_nothing(
    first: Warehouse, next_release: Callable[..., Path], upgrade: str, message: str
) -> None:
    next_release(upgrade)
    with unchanged(first), pytest.raises(WarehouseError, match=f"{message}.*{UNCHANGED}"):
        migrate(first.url())


def test_bills_change_only_as_declared_by_a_release(
    upgraded: Warehouse, next_release: Callable[..., Path], log: pytest.LogCaptureFixture
) -> None:
    sql = next_release(changed_figures=("fourth_peak_kbps",))
    view = sql / "views" / "40_mart_billing_monthly.sql"
    view.write_text(view.read_text().replace("daily_peaks_kbps[4]", "daily_peaks_kbps[3]"))
    migration = sql / "migrations" / "versions" / "next.py"
    declared = migration.read_text()

    with unchanged(upgraded):
        migration.write_text(declared.replace("changed_figures", "declares_nothing"))
        with pytest.raises(WarehouseError, match="for 2026-09: fourth_peak_kbps was "):
            migrate(upgraded.url())
        migration.unlink()
        with pytest.raises(WarehouseError, match="for 2026-09: fourth_peak_kbps was "):
            migrate(upgraded.url())  # the view alone

    migration.write_text(declared)
    migrate(upgraded.url())
    assert "may change (see CHANGELOG.md): fourth_peak_kbps" in log.text


def test_an_older_release_refuses_a_newer_schema(
    upgraded: Warehouse, next_release: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    next_release()
    migrate(upgraded.url())
    monkeypatch.undo()
    newer = f"revision next. Release {this_release()} does not support it.*{UNCHANGED}"
    with unchanged(upgraded), pytest.raises(WarehouseError, match=newer):
        migrate(upgraded.url())


def test_a_custom_view_stops_the_upgrade_and_is_named(first: Warehouse) -> None:
    first.run("create view public.mine as select * from mart.coverage")
    with (
        unchanged(first),
        pytest.raises(WarehouseError, match=r"public\.mine depends on view"),
    ):
        migrate(first.url())
    first.run("drop view public.mine")
    migrate(first.url())


def test_a_role_other_than_the_owner_is_refused(first: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=f"Log in as the role owner.*{UNCHANGED}"):
        migrate(first.url("loader"))


def test_make_upgrade_without_a_warehouse_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "upgrade"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": "plugins:.",
            "AGORA_LOCAL_DIR": str(tmp_path / "none"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "AGORA_WAREHOUSE_OWNER_URL is not set" in done.stderr
    assert "never started here" in done.stderr
