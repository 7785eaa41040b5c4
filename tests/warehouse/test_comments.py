"""Every object in the warehouse has a comment, and docs/data_dictionary.md contains all comments."""

from __future__ import annotations

from docs.data_dictionary import dictionary
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

COMMITTED = ROOT / "docs" / "data_dictionary.md"

UNCOMMENTED = """
with own as (
    select oid, nspname from pg_namespace where nspname in ('raw', 'core', 'mart')
)
select 'schema ' || nspname as name from own where obj_description(oid, 'pg_namespace') is null
union all
select 'function ' || pg_proc.oid::regprocedure from pg_proc inner join own on pronamespace = own.oid
where obj_description(pg_proc.oid, 'pg_proc') is null
union all
select 'relation ' || pg_class.oid::regclass from pg_class inner join own on relnamespace = own.oid
where relkind in ('r', 'p', 'v', 'm', 'f') and obj_description(pg_class.oid, 'pg_class') is null
union all
select 'column ' || pg_class.oid::regclass || '.' || attname
from pg_attribute
inner join pg_class on attrelid = pg_class.oid
inner join own on relnamespace = own.oid
where
    relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
    and col_description(attrelid, attnum) is null
"""


def test_every_relation_and_column_has_a_comment(warehouse: Warehouse) -> None:
    assert not warehouse.rows(UNCOMMENTED)
    warehouse.run("create table core.uncommented (x integer)")
    assert [row["name"] for row in warehouse.rows(UNCOMMENTED)] == [
        "relation core.uncommented",
        "column core.uncommented.x",
    ]


def test_the_data_dictionary_is_up_to_date(warehouse: Warehouse) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == dictionary(warehouse.url()), (
        "regenerate the file as described in docs/data_dictionary.py"
    )
