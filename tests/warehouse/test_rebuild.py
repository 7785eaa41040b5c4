"""After a restore of facts alone, one command corrects every view, whatever derived rows were there."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import sql

from agora.errors import WarehouseError
from agora.warehouse.migrations.schema_version import SQL
from agora.warehouse.rebuild import rebuild
from agora.warehouse.roles import SUPERUSER
from deploy.local.postgres_throwaway import Throwaway
from tests.conftest import fresh_warehouse
from tests.support.paths import ROOT
from tests.warehouse.database import App, AppDay, Warehouse, days_between
from tests.warehouse.figures_check import compare_bills

TODAY = datetime.now(UTC).date()
FIRST, LAST = TODAY - timedelta(days=75), TODAY - timedelta(days=1)
MISSING = days_between(TODAY - timedelta(days=12), TODAY - timedelta(days=3))
DERIVED = ("core.month_p95", "core.day_sum", "core.entered_days", "core.changed_app_day")
FACTS = """
select oid::regclass::text as name from pg_class
where relkind = 'r' and relnamespace::regnamespace::text in ('raw', 'core') and oid::regclass::text <> all(%s)
"""
COLUMNS = """
select attname from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum
"""
VIEWS = """
select oid::regclass::text as name from pg_class
where relkind = 'v' and relnamespace::regnamespace::text in ('core', 'mart')
"""
PLANNED = "select usage_date from mart.coverage where state = 'pending' and app_id = 'a' order by 1"


@pytest.fixture
def restored(postgres: Throwaway, warehouse_template: str) -> Iterator[Warehouse]:
    yield from fresh_warehouse(postgres, warehouse_template)


def fill(warehouse: Warehouse, *, without: int) -> None:
    """Add two months of three apps, without the first `without` days in MISSING for app a."""
    warehouse.add_account()
    warehouse.add_apps([App(app_id, FIRST) for app_id in ("a", "b", "c")])
    missing = MISSING[:without]
    warehouse.add_days(
        AppDay(app_id, day, None if (app_id, day.day) == ("b", 7) else [float(number * day.day)] * 288)
        for number, app_id in enumerate(("a", "b", "c"), start=1)
        for day in days_between(FIRST, LAST)
        if (app_id, day) not in {("a", absent) for absent in missing}
    )
    warehouse.add_raw("a", LAST)
    warehouse.rows("select core.refresh_aggregates(100000)", role="loader")


def restore_facts(source: Warehouse, target: Warehouse) -> None:
    """Copy the facts without derived data, like a data-only restore with disabled triggers."""
    with (
        source.connect(SUPERUSER) as reading,
        target.connect(SUPERUSER) as writing,
        reading.cursor() as reader,
        writing.cursor() as writer,
    ):
        writer.execute("set session_replication_role = replica")
        for fact in source.rows(FACTS, (list(DERIVED),)):
            writer.execute(f"delete from {fact['name']}")
            reader.execute(COLUMNS, (fact["name"],))
            names = sql.SQL(", ").join(sql.Identifier(row[0]) for row in reader.fetchall())
            rows = io.StringIO()
            table = sql.SQL(f"{fact['name']} ({{}})").format(names)
            reader.copy_expert(sql.SQL("copy {} to stdout").format(table), rows)
            rows.seek(0)
            writer.copy_expert(sql.SQL("copy {} from stdin").format(table), rows)


def contents(warehouse: Warehouse) -> dict[str, Any]:
    relations = [row["name"] for row in warehouse.rows(VIEWS)] + [*DERIVED]
    return {
        name: warehouse.rows(f"select md5(string_agg(t::text, chr(10) order by t::text)) from {name} as t")
        for name in relations
    }


@pytest.mark.parametrize("derived", ["absent", "stale", "contradicting"])
def test_the_command_restores_every_view(warehouse: Warehouse, restored: Warehouse, derived: str) -> None:
    fill(warehouse, without=len(MISSING))
    if derived != "absent":
        fill(restored, without=0)
        restored.run("update core.month_p95 set p95_kbps = p95_kbps + 1; update core.day_sum set kbps[7] = 9")
    if derived == "contradicting":
        restored.run("insert into core.month_p95 values (99, '2025-01-01', 1, '2025-01-31')")
        restored.run("insert into core.entered_days values (99, '{[2025-01-01,2025-02-01)}')")
        restored.run("insert into core.changed_app_day values (99, '2025-01-01', '2025-01-01')")
    restore_facts(warehouse, restored)
    assert warehouse.rows(PLANNED) == [{"usage_date": day} for day in MISSING]
    if derived != "absent":
        assert restored.rows(PLANNED) == [], "ten missing days are taken for collected days"
        assert contents(restored) != contents(warehouse)

    rebuild(restored.url())
    assert restored.rows(PLANNED) == [{"usage_date": day} for day in MISSING]
    assert contents(restored) == contents(warehouse)
    with restored.connect() as connection:
        comparison = compare_bills(connection)
    assert (comparison.wrong, comparison.noted) == ([], 0)
    assert min(comparison.stored) > 0
    for path in sorted((SQL / "checks").glob("*.sql")):
        (row,) = restored.rows(path.read_text("utf-8").replace("interval '2 days'", "interval '100 years'"))
        assert path.stem.startswith("points_have_their_raw_response") or set(row.values()) == {True}, (
            path.stem
        )
    # The sequences continue with new keys.
    restored.add_apps([App("d", FIRST)])
    restored.add_raw("d", LAST)


def test_rebuilding_a_sound_warehouse_changes_nothing_and_does_not_wait_for_a_reader(
    warehouse: Warehouse,
) -> None:
    fill(warehouse, without=3)
    before = contents(warehouse)
    with warehouse.connect("analyst") as reader, reader.cursor() as cursor:
        cursor.execute("begin; select sum(points) from mart.billing_monthly")
        rebuild(warehouse.url())
    assert contents(warehouse) == before


def test_the_command_names_the_remedy_if_it_cannot_rebuild(warehouse: Warehouse) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agora.warehouse.rebuild"],
        env={"PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Set AGORA_WAREHOUSE_OWNER_URL" in done.stderr) == (1, True)
    with pytest.raises(WarehouseError, match="does not permit the role to rebuild anything"):
        rebuild(warehouse.url("loader"))
    with pytest.raises(WarehouseError, match=r"agora\.warehouse\.migrations"):
        rebuild(warehouse.server.url("owner", "warehouse"))
