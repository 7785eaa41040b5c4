"""Upgrades that meet somebody, fail or are killed: nobody's work breaks, and nothing is changed by halves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from psycopg2 import extensions

from agora.errors import WarehouseError
from agora.warehouse import standstill
from agora.warehouse.migrate import migrate
from agora.warehouse.release import FIRST_LINE, named, this_release
from deploy.local.postgres_throwaway import Throwaway, throwaway
from deploy.local.settings import ROOT
from tests.warehouse.database import Warehouse
from tests.warehouse.released_schema import HEAD, schema
from tests.warehouse.releases import restored

UNCHANGED = "Nothing was changed"
THROUGH_THE_GATE = "lock table public.gate in access share mode"
UP_TO_DATE = f"The schema is that of {named(HEAD)}.\n"
WAITED = "Another upgrade is at work: waiting for its end.\n"
FROM_THE_FIRST = f"From release 0.1.0 (revision 0001) to {named(HEAD)}.\n"
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and {what}"
NEXT = """
from alembic import op

revision = "next"
down_revision = {head!r}
changes_bills = {changes_bills!r}
changed_figures = {{"fourth_peak_kbps"}}


def upgrade():
    op.get_bind().exec_driver_sql({upgrade!r})


def downgrade():
    op.get_bind().exec_driver_sql({downgrade!r})
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Throwaway]:
    with throwaway(durable=True) as durable:
        yield durable


@pytest.fixture
def first(server: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse of release 0.1.0 with what that collected."""
    with restored(server, "0.1.0") as warehouse:
        yield warehouse


@pytest.fixture
def next_release(tmp_path: Path) -> Callable[..., Path]:
    """Return what makes a copy of this release with one migration more; it says where that is."""

    def make(upgrade: str = "select 1", downgrade: str = "select 1", changes_bills: str = "") -> Path:
        for folder in ("plugins", "sql"):
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / "sql" / "migrations" / "versions" / "next.py").write_text(
            NEXT.format(head=HEAD, upgrade=upgrade, downgrade=downgrade, changes_bills=changes_bills)
        )
        return tmp_path

    return make


class Migrating:
    """`python -m agora.warehouse.migrate` in a process of its own."""

    def __init__(self, warehouse: Warehouse, *release: str, code: Path = ROOT) -> None:
        self._warehouse = warehouse
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agora.warehouse.migrate", *release],
            env={"PYTHONPATH": str(code / "plugins"), "AGORA_WAREHOUSE_OWNER_URL": warehouse.url()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self) -> str:
        said, complained = self.process.communicate(timeout=120)
        assert (self.process.returncode, complained) == (0, "")
        return said

    def refused(self) -> str:
        _, complained = self.process.communicate(timeout=120)
        assert self.process.returncode == 1, complained
        assert "Traceback" not in complained
        assert UNCHANGED in complained
        return complained


def wait_until(warehouse: Warehouse, what: str, count: int = 1) -> None:
    deadline = time.monotonic() + 60
    while warehouse.rows(WAITING.format(what=what), role="postgres")[0]["count"] != count:
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def everything(warehouse: Warehouse) -> tuple[str, list[object]]:
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
def loading(warehouse: Warehouse) -> Iterator[extensions.cursor]:
    """Be in a loader's transaction."""
    with warehouse.connect("loader") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("set lock_timeout = '60s'")
        connection.commit()
        yield cursor
        connection.commit()


@contextmanager
def held_up(warehouse: Warehouse, code: Path) -> Iterator[Migrating]:
    """Let an upgrade wait at its last migration for the length of a `with`, everything before it done."""
    warehouse.run("create table public.gate ()")
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("begin; lock table public.gate")
        migrating = Migrating(warehouse, code=code)
        wait_until(warehouse, f"query = '{THROUGH_THE_GATE}' and wait_event_type = 'Lock'")
        yield migrating
        cursor.execute("commit")


def test_an_upgrade_that_is_killed_changed_nothing(
    first: Warehouse, next_release: Callable[..., Path]
) -> None:
    before = everything(first)
    with held_up(first, next_release(THROUGH_THE_GATE)) as migrating:
        migrating.process.kill()
        migrating.process.communicate()
    wait_until(first, "usename = 'owner' and pid <> pg_backend_pid()", 0)
    first.run("drop table public.gate")
    assert everything(first) == before
    assert FROM_THE_FIRST in Migrating(first).done()


def test_a_loader_at_work_is_waited_for_and_can_take_whatever_it_wants_next(first: Warehouse) -> None:
    with loading(first) as cursor:
        cursor.execute("update core.vendor_account set refusal = ''")
        migrating = Migrating(first)
        wait_until(first, "usename = 'owner' and wait_event_type = 'Lock'")
        cursor.execute("update core.app_day set attempts = attempts + 1 where state = 'failed'")
        cursor.execute("update core.app set name = 'another'")
    migrating.done()
    assert first.rows("select attempts from core.app_day where state = 'failed'") == [{"attempts": 2}]


def test_somebody_who_never_ends_is_given_up_on(first: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "PATIENCE_SECONDS", 1)
    before = everything(first)
    with loading(first) as cursor:
        cursor.execute("select from core.app_day")
        with pytest.raises(WarehouseError, match=f"waiting for a lock for too long: .*{UNCHANGED}"):
            migrate(first.url())
    assert everything(first) == before


def test_a_loader_that_comes_meanwhile_waits_and_goes_on(
    first: Warehouse, next_release: Callable[..., Path]
) -> None:
    def load() -> None:
        with loading(first) as cursor:
            cursor.execute("update core.app_day set attempts = attempts + 1 where state = 'failed'")

    Migrating(first).done()
    with ThreadPoolExecutor(1) as pool:
        with held_up(first, next_release(THROUGH_THE_GATE)) as migrating:
            loaded = pool.submit(load)
            wait_until(first, "usename = 'loader' and wait_event_type = 'Lock'")
        migrating.done()
        loaded.result(60)
    assert first.rows("select attempts from core.app_day where state = 'failed'") == [{"attempts": 2}]


def test_readers_of_views_wait_and_go_on(first: Warehouse, next_release: Callable[..., Path]) -> None:
    def read(view: str) -> None:
        first.rows(f"select count(*) from mart.{view}", role="analyst")

    Migrating(first).done()
    views = ("coverage", "billing_monthly", "bandwidth_daily")
    with ThreadPoolExecutor(len(views)) as pool:
        with held_up(first, next_release(THROUGH_THE_GATE)) as migrating:
            reading = [pool.submit(read, view) for view in views]
            wait_until(first, "usename = 'analyst' and wait_event_type = 'Lock'", len(views))
        migrating.done()
        for each in reading:
            each.result(60)


def test_a_reader_at_work_is_waited_for(first: Warehouse) -> None:
    with first.connect("analyst") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("select count(*) from mart.coverage")
        migrating = Migrating(first)
        wait_until(first, "usename = 'owner' and wait_event_type = 'Lock'")
        cursor.execute("select count(*) from mart.billing_monthly")
        connection.commit()
    assert FROM_THE_FIRST in migrating.done()


def test_where_there_is_nothing_to_do_nobody_is_waited_for(first: Warehouse) -> None:
    Migrating(first).done()
    with first.connect("analyst") as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("select count(*) from mart.coverage")
        assert Migrating(first).done() == UP_TO_DATE


def test_two_upgrades_at_once_become_one(first: Warehouse) -> None:
    with loading(first) as cursor:
        cursor.execute("update core.app set name = name")
        both = [Migrating(first) for _ in range(2)]
        wait_until(first, "usename = 'owner' and wait_event_type = 'Lock'", 2)
    said = sorted(migrating.done() for migrating in both)
    assert said[0] == WAITED + UP_TO_DATE
    assert said[1].startswith(FROM_THE_FIRST)
    assert "\nCompared, before and after: 53 app-days" in said[1]


def test_two_first_migrations_at_once_become_one(server: Throwaway) -> None:
    with ExitStack() as at_the_end:
        server.create_database("empty")
        at_the_end.callback(server.drop_database, "empty")
        both = [Migrating(Warehouse(server, "empty")) for _ in range(2)]
        assert [migrating.done().removeprefix(WAITED) for migrating in both] == [UP_TO_DATE] * 2


@pytest.mark.parametrize(
    ("upgrade", "said"),
    [
        ("select no_such_function()", "function no_such_function() does not exist"),
        ("delete from core.app_day where state = 'failed'", "app-days failed were {"),
        ("delete from raw.bandwidth_response where http_status = 503", "answers were {"),
        (
            "update core.app_day set kbps[7] = kbps[7] + 1 where state = 'collected'",
            "app-days collected were {",
        ),
        (
            "update core.app_day set usage_date = current_date - 1, reason = '' where state = 'failed'",
            "every_incomplete_day_says_why is not true",
        ),
    ],
    ids=["an error", "a day less", "an answer less", "other points", "a check that fails"],
)
def test_an_upgrade_that_fails_at_its_end_changed_nothing(
    first: Warehouse, next_release: Callable[..., Path], upgrade: str, said: str
) -> None:
    before = everything(first)
    assert said in Migrating(first, code=next_release(upgrade)).refused()
    assert everything(first) == before


def test_bills_change_only_where_a_release_says_so(
    first: Warehouse, next_release: Callable[..., Path]
) -> None:
    Migrating(first).done()
    before = everything(first)
    code = next_release(changes_bills="the fourth peak is the third")
    view = code / "sql" / "views" / "40_mart_billing_monthly.sql"
    view.write_text(view.read_text().replace("daily_peaks_kbps[4]", "daily_peaks_kbps[3]"))
    migration = code / "sql" / "migrations" / "versions" / "next.py"

    meant = migration.read_text()
    migration.write_text(meant.replace("changes_bills", "says_nothing"))
    assert "in 2026-09-01: fourth_peak_kbps was " in Migrating(first, code=code).refused()
    migration.unlink()
    assert "in 2026-09-01: fourth_peak_kbps was " in Migrating(first, code=code).refused(), "a view alone"
    assert everything(first) == before

    migration.write_text(meant)
    assert "may be others now: the fourth peak is the third" in Migrating(first, code=code).done()


def test_there_is_a_way_back_while_nothing_is_lost_by_it(
    first: Warehouse, next_release: Callable[..., Path]
) -> None:
    Migrating(first).done()
    before = everything(first)
    code = next_release("create table core.extra (x integer)", "drop table core.extra")
    view = code / "sql" / "views" / "40_mart_billing_monthly.sql"
    view.write_text(
        view.read_text().replace(" as top_five_mean_kbps\n", " as top_five_mean_kbps,\n    1 as one_more\n")
    )
    assert Migrating(first, code=code).done().startswith(f"From {named(HEAD)} to revision next.\n")
    assert f"revision next, which release {this_release()} does not know" in Migrating(first).refused()

    assert Migrating(first, HEAD, code=code).done().startswith(f"From revision next to {named(HEAD)}.")
    assert first.rows("select 1 from pg_views where schemaname in ('core', 'mart')") == []
    assert "Compared, before and after: " in Migrating(first).done()
    assert everything(first) == before


def test_there_is_a_way_back_from_other_views_alone(
    first: Warehouse, next_release: Callable[..., Path]
) -> None:
    Migrating(first).done()
    before = everything(first)
    code = next_release()
    (code / "sql" / "migrations" / "versions" / "next.py").unlink()
    (code / "sql" / "releases" / "98.0.0.sql").write_text(
        FIRST_LINE.format(release="98.0.0", revision=HEAD), "utf-8"
    )
    (metadata,) = code.glob("plugins/*.dist-info/METADATA")
    metadata.write_text(metadata.read_text().replace(f"Version: {this_release()}", "Version: 99.0.0"))
    view = code / "sql" / "views" / "40_mart_billing_monthly.sql"
    view.write_text(
        view.read_text().replace(" as top_five_mean_kbps\n", " as top_five_mean_kbps,\n    1 as one_more\n")
    )
    assert "Compared, before and after: " in Migrating(first, code=code).done()
    assert everything(first) != before

    Migrating(first, "98.0.0", code=code).done()
    assert first.rows("select 1 from pg_views where schemaname in ('core', 'mart')") == []
    Migrating(first).done()
    assert everything(first) == before


@pytest.mark.parametrize(
    ("release", "said"),
    [
        (
            "0.1.0",
            "no way back to release 0.1.0 (revision 0001): The schema before stores conclusions",
        ),
        ("1.0.0", "no way back to release 1.0.0 (revision 0006): The schema before stores conclusions"),
        ("0.9.0", "0.9.0 is no release or revision"),
    ],
)
def test_where_there_is_no_way_back_that_is_said(first: Warehouse, release: str, said: str) -> None:
    Migrating(first).done()
    before = everything(first)
    assert said in Migrating(first, release).refused()
    assert everything(first) == before


def test_a_half_way_is_no_release(first: Warehouse) -> None:
    assert "Only release 0004 itself makes a warehouse of revision 0004" in Migrating(first, "0004").refused()


def test_a_view_of_somebodys_own_stops_the_upgrade_with_its_name(first: Warehouse) -> None:
    first.run("create view public.mine as select * from mart.coverage")
    before = everything(first)
    said = Migrating(first).refused()
    assert "something of somebody's own" in said
    assert "view public.mine depends on view mart.coverage" in said
    first.run("drop view public.mine")
    Migrating(first).done()
    assert before != everything(first)


def test_another_role_than_the_owner_is_told_so(first: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=f"Name the role owner.*{UNCHANGED}"):
        migrate(first.url("loader"))


def test_make_upgrade_says_what_it_lacks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "embedded", "upgrade"],
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
