"""Everything in the warehouse says what it is, and docs/data_dictionary.md repeats it."""

from __future__ import annotations

from docs.data_dictionary import dictionary
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

COMMITTED = ROOT / "docs" / "data_dictionary.md"

SILENT = """
with room as (
    select oid, nspname from pg_namespace where nspname in ('raw', 'core', 'mart')
)
select 'schema ' || nspname as name from room where obj_description(oid, 'pg_namespace') is null
union all
select 'function ' || pg_proc.oid::regprocedure from pg_proc inner join room on pronamespace = room.oid
where obj_description(pg_proc.oid, 'pg_proc') is null
union all
select 'relation ' || pg_class.oid::regclass from pg_class inner join room on relnamespace = room.oid
where relkind in ('r', 'p', 'v', 'm', 'f') and obj_description(pg_class.oid, 'pg_class') is null
union all
select 'column ' || pg_class.oid::regclass || '.' || attname
from pg_attribute
inner join pg_class on attrelid = pg_class.oid
inner join room on relnamespace = room.oid
where
    relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
    and col_description(attrelid, attnum) is null
"""


def test_every_relation_and_column_says_what_it_is(warehouse: Warehouse) -> None:
    assert not warehouse.rows(SILENT)
    warehouse.run("create table core.silent (x integer)")
    assert [row["name"] for row in warehouse.rows(SILENT)] == ["relation core.silent", "column core.silent.x"]


def test_the_data_dictionary_is_up_to_date(warehouse: Warehouse) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == dictionary(warehouse.url()), (
        "write it anew, as docs/data_dictionary.py says"
    )
