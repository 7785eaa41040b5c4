"""Objects in the caller's temporary schema do not change functions that run as the owner."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from psycopg2 import errors, extensions

from tests.warehouse.database import App, AppDay, Warehouse

OLD = datetime.now(UTC).date() - timedelta(days=100)
CALLS = {
    "core.delete_raw_responses": f"select core.delete_raw_responses('{OLD}')",
    "core.delete_app_days": f"select core.delete_app_days('{OLD + timedelta(days=1)}')",
    "core.refresh_aggregates": "select core.refresh_aggregates(1000)",
    "core.replace_contracts": (
        """select core.replace_contracts('[{"billing_group": "a", "method": "m", "billing_day": 1}]')"""
    ),
    "mart.summed_figures": f"select points from mart.summed_figures('{OLD}', '{OLD}', null, null)",
    "mart.bandwidth_trend": "select p95_kbps is null from mart.bandwidth_trend('day') limit 1",
    "mart.billing_between": f"select points from mart.billing_between('{OLD}', '{OLD}')",
    "mart.days_until_commit": f"select mart.days_until_commit('a', '{OLD}', '{OLD}', 'p95_kbps', 1)",
}
# Each function's result, then the remaining responses, app-days and noted changes. The trigger that notes the
# deletions of core.delete_app_days also runs as the owner.
EXPECTED = {
    "core.delete_raw_responses": (1, 5, 6, 6),
    "core.delete_app_days": (4, 6, 2, 10),
    "core.refresh_aggregates": (6, 6, 6, 0),
    "core.replace_contracts": ("", 6, 6, 6),
    "mart.summed_figures": (288, 6, 6, 6),
    "mart.bandwidth_trend": (False, 6, 6, 6),
    "mart.billing_between": (288, 6, 6, 6),
    "mart.days_until_commit": (None, 6, 6, 6),
}
LEFT = """
select
    (select count(*) from raw.bandwidth_response) as responses,
    (select count(*) from core.app_day) as app_days,
    (select count(*) from core.changed_app_day) as changes
"""
FUNCTIONS = """
select
    pg_proc.oid::regproc::text as name, pg_get_functiondef(pg_proc.oid) as definition,
    prosecdef as is_definer, proconfig, prosqlbody is null as is_parsed_when_called
from pg_proc where pronamespace::regnamespace::text in ('raw', 'core', 'mart', 'public')
"""
TYPES = """
select typname from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
"""
# Deletes all responses if called with the owner's rights, and does nothing with the caller's.
GRAB = """
create function pg_temp.grab() returns boolean language plpgsql as $$
begin
    if current_user <> session_user then
        delete from raw.bandwidth_response;
        raise exception 'the caller acts as %', current_user;
    end if;
    return true;
end
$$
"""
SHADOW_FUNCTIONS = """
create function pg_temp.now() returns timestamptz language sql as
    'select case when pg_temp.grab() then pg_catalog.now() end';
create function pg_temp.clock() returns timestamptz language sql as
    'select case when pg_temp.grab() then pg_catalog.now() end';
create function pg_temp.date_trunc(text, timestamp) returns timestamp language sql as
    'select case when pg_temp.grab() then pg_catalog.date_trunc($1, $2) end';
create function pg_temp.daterange(pg_catalog.date, pg_catalog.date) returns daterange
language sql as
    'select case when pg_temp.grab() then pg_catalog.daterange($1, $2) end';
create function pg_temp.dates_in(pg_catalog.datemultirange) returns setof pg_catalog.date language sql as
    'select current_date where pg_temp.grab()';
create function pg_temp.same(pg_catalog.date, pg_catalog.date) returns boolean language sql as
    'select pg_temp.grab()';
create function pg_temp.same(integer, integer) returns boolean language sql as 'select pg_temp.grab()';
create operator pg_temp.= (leftarg = pg_catalog.date, rightarg = pg_catalog.date, function = pg_temp.same);
create operator pg_temp.< (leftarg = pg_catalog.date, rightarg = pg_catalog.date, function = pg_temp.same);
create operator pg_temp.= (leftarg = integer, rightarg = integer, function = pg_temp.same);
create aggregate pg_temp.count(*) (sfunc = int8inc, stype = bigint, initcond = '100');
create type pg_temp.own as (day pg_catalog.date);
create function pg_temp.as_own(pg_catalog.date) returns pg_temp.own language sql as
    'select row($1)::pg_temp.own where pg_temp.grab()';
create cast (pg_catalog.date as pg_temp.own) with function pg_temp.as_own(pg_catalog.date) as implicit
"""


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """Return a warehouse in which each function has something to do."""
    warehouse.add_account()
    warehouse.add_apps([App("a", OLD - timedelta(days=3))])
    warehouse.add_days(AppDay("a", OLD + timedelta(days=n), [1.0] * 288) for n in range(-3, 3))
    for n in range(-3, 3):
        warehouse.add_raw("a", OLD + timedelta(days=n))
    return warehouse


def shadow(connection: extensions.connection, warehouse: Warehouse) -> int:
    """Shadow every word in every function with an object in the caller's temporary schema.

    Returns:
        The number of words.
    """
    functions = warehouse.rows(FUNCTIONS)
    words = {word for row in functions for word in re.findall(r"[a-z_][a-z0-9_]*", row["definition"].lower())}
    types = {row["typname"] for row in warehouse.rows(TYPES)}
    with connection.cursor() as cursor:
        cursor.execute(GRAB)
        cursor.execute(SHADOW_FUNCTIONS)
        for word in sorted(words | types):
            if word in types and not word.startswith("_"):
                cursor.execute(
                    f'create domain pg_temp."{word}" as pg_catalog."{word}" check (pg_temp.grab())'
                )
            elif word not in types:
                cursor.execute(f'create view pg_temp."{word}" as select from (select pg_temp.grab()) as own')
    return len(words | types)


def outcome(warehouse: Warehouse, call: str, connection: extensions.connection) -> tuple[object, ...]:
    """Return a call's result and the numbers of remaining rows."""
    with connection.cursor() as cursor:
        cursor.execute(call)
        returned = cursor.fetchall()
    return returned, warehouse.rows(LEFT)


def test_every_function_that_runs_as_the_owner_is_attacked_here(module_warehouse: Warehouse) -> None:
    rows = module_warehouse.rows(FUNCTIONS)
    assert {row["name"] for row in rows if row["is_definer"]} == set(CALLS)


def test_functions_that_resolve_names_when_called_search_the_temporary_schema_last(
    module_warehouse: Warehouse,
) -> None:
    rows = module_warehouse.rows(FUNCTIONS)
    looked_up = [row for row in rows if row["is_definer"] or row["is_parsed_when_called"]]
    assert {row["name"] for row in looked_up} >= {*CALLS, "core.note_changed_points"}
    for row in looked_up:
        assert "search_path=pg_catalog, pg_temp" in row["proconfig"], row["name"]


@pytest.mark.parametrize("name", CALLS)
def test_no_temporary_object_changes_the_effect_of_a_function(filled: Warehouse, name: str) -> None:
    with filled.connect("loader") as connection:
        assert shadow(connection, filled) > 100
        returned, left = outcome(filled, CALLS[name], connection)
    result, *rows = EXPECTED[name]
    assert (returned, left) == (
        [(result,)],
        [dict(zip(("responses", "app_days", "changes"), rows, strict=True))],
    )


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith("core.")])
def test_an_analyst_cannot_call_them_and_has_no_temporary_schema(
    module_warehouse: Warehouse, name: str
) -> None:
    for statement in (CALLS[name], GRAB):
        with pytest.raises(errors.InsufficientPrivilege):
            module_warehouse.run(f"set transaction read write; {statement}", role="analyst")
