"""Every privilege in the catalogue is intended, and an intruder's attempts are refused."""

from __future__ import annotations

from datetime import date

import pytest
from psycopg2 import errors

from tests.warehouse.database import Warehouse

ROLES = ("analyst", "loader", "airflow", "public")
VERBS = ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain")
# The loader's privileges. Apart from reading mart, which both roles may, there are no others.
LOADER = {
    "raw.bandwidth_response": "select insert",
    "core.vendor_account": "select insert update",
    "core.app": "select insert update",
    "core.app_day": "select insert update",
    "core.restatement": "select insert update",
    "core.request_pace": "select insert update",
    "core.collection_run": "select insert update",
    "core.push_stream_state": "select insert update",
    "core.dag_schedule": "select insert update",
    "core.billing_contract": "select",
    "core.closed_bill": "select insert",
    "core.month_p95": "select",
    "core.day_sum": "select",
    "core.changed_app_day": "select insert",
    "core.entered_days": "select",
    "core.app_calendar": "select",
    "core.app_day_state": "select",
    "core.fresh_month_p95": "select",
    "core.fresh_day_sum": "select",
    "core.summed_day": "select",
    "core.app_past_dates": "select",
    "core.summed_month": "select",
    "core.app_month": "select",
}
LOADERS_FUNCTIONS = {
    "core.delete_raw_responses",
    "core.delete_app_days",
    "core.refresh_aggregates",
    "core.replace_contracts",
}
# These functions return only figures that analysts may read anyway.
READERS_FUNCTIONS = {
    "mart.summed_figures",
    "mart.bandwidth_trend",
    "mart.billing_between",
    "mart.days_until_commit",
}

RELATIONS = """
select oid::regclass::text as name, relkind
from pg_class
where relnamespace::regnamespace::text !~ '^(pg_|information_)' and relkind <> all('{i, I, t, c}')
"""
GRANTED = """
with relation as (
    select oid, oid::regclass::text as name
    from pg_class
    where relnamespace::regnamespace::text !~ '^(pg_|information_)' and relkind <> all('{S, i, I, t, c}')
)
select relation.name, role, verb
from relation, unnest(%s) as role, unnest(%s) as verb
where
    has_table_privilege(role, relation.oid, verb)
    or (
        verb in ('select', 'insert', 'update', 'references')
        and has_any_column_privilege(role, relation.oid, verb)
    )
"""
FUNCTIONS = """
select
    pg_proc.oid::regproc::text as name, role, prosecdef as is_definer,
    coalesce(array_to_string(proconfig, ' '), '') as settings,
    has_function_privilege(role, pg_proc.oid, 'execute') as may_call
from pg_proc, unnest(%s) as role
where pronamespace::regnamespace::text !~ '^(pg_|information_)'
"""


def attempt(warehouse: Warehouse, role: str, statement: str) -> None:
    """Log in as a role, switch read-only mode off, and run a statement."""
    with warehouse.connect(role) as connection, connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = off")
        cursor.execute(statement)


def test_every_privilege_on_every_relation_is_intended(module_warehouse: Warehouse) -> None:
    names = {row["name"] for row in module_warehouse.rows(RELATIONS) if row["relkind"] != "S"}
    intended = {(name, "loader", verb) for name, verbs in LOADER.items() for verb in verbs.split()}
    intended |= {
        (name, role, "select") for name in names for role in ("analyst", "loader") if name.startswith("mart.")
    }
    granted = {
        (row["name"], row["role"], row["verb"])
        for row in module_warehouse.rows(GRANTED, (list(ROLES), list(VERBS)))
    }
    assert granted == intended


def test_only_the_owner_has_privileges_on_sequences(module_warehouse: Warehouse) -> None:
    sequences = [row["name"] for row in module_warehouse.rows(RELATIONS) if row["relkind"] == "S"]
    assert sequences
    for name in sequences:
        (row,) = module_warehouse.rows(
            "select count(*) as rights"
            " from unnest(%s) as role, unnest(array['usage', 'select', 'update']) as verb"
            " where has_sequence_privilege(role, %s, verb)",
            (list(ROLES), name),
        )
        assert row["rights"] == 0, name


def test_only_the_owner_creates_objects_and_schemas(module_warehouse: Warehouse) -> None:
    rows = module_warehouse.rows(
        "select nspname, role from pg_namespace, unnest(%s) as role"
        " where has_schema_privilege(role, pg_namespace.oid, 'create')"
        " union all select 'database', role from unnest(%s) as role"
        " where has_database_privilege(role, current_database(), 'create')",
        (list(ROLES), list(ROLES)),
    )
    assert rows == []


def test_only_two_roles_connect_and_only_the_loader_creates_temporary_tables(
    module_warehouse: Warehouse,
) -> None:
    rows = module_warehouse.rows(
        "select role, verb from unnest(%s) as role, unnest(array['connect', 'temporary']) as verb"
        " where has_database_privilege(role, current_database(), verb)",
        (list(ROLES),),
    )
    assert {(row["role"], row["verb"]) for row in rows} == {
        ("analyst", "connect"),
        ("loader", "connect"),
        ("loader", "temporary"),
    }


def test_functions_that_run_as_the_owner_pin_their_search_path_and_change_data_only_for_the_loader(
    module_warehouse: Warehouse,
) -> None:
    rows = module_warehouse.rows(FUNCTIONS, (list(ROLES),))
    definers = [row for row in rows if row["is_definer"]]
    assert {row["name"] for row in definers} == LOADERS_FUNCTIONS | READERS_FUNCTIONS
    allowed = {(row["name"], row["role"]) for row in definers if row["may_call"]}
    assert allowed == {
        *((name, "loader") for name in LOADERS_FUNCTIONS),
        *((name, role) for name in READERS_FUNCTIONS for role in ("analyst", "loader")),
    }
    assert [row["name"] for row in definers if "search_path=" not in row["settings"]] == []


def test_functions_outside_mart_are_reserved_for_the_loader(module_warehouse: Warehouse) -> None:
    rows = module_warehouse.rows(FUNCTIONS, (list(ROLES),))
    outside = {row["name"] for row in rows if row["may_call"] and not row["name"].startswith("mart.")}
    assert outside == LOADERS_FUNCTIONS


def test_no_role_is_a_member_of_another(module_warehouse: Warehouse) -> None:
    rows = module_warehouse.rows(
        "select roleid::regrole::text, member::regrole::text from pg_auth_members"
        " where member::regrole::text = any(%s)",
        (["owner", *ROLES],),
    )
    assert rows == []


INTRUSIONS = [
    "set role owner",
    "set role postgres",
    "set session authorization owner",
    "create role mine superuser",
    "alter role owner password 'mine'",
    "alter role postgres nologin",
    "alter system set fsync = off",
    "alter database {database} set synchronous_commit = off",
    "alter database {database} owner to {role}",
    "alter default privileges for role owner grant all on tables to {role}",
    "create function public.mine() returns integer language sql as 'select 1'",
    "create function mart.mine() returns integer language sql as 'select 1'",
    "create or replace function core.delete_app_days(before date) returns bigint language sql as 'select 1'",
    "alter function core.delete_app_days security invoker",
    "create trigger mine before insert on core.app_day execute function suppress_redundant_updates_trigger()",
    "create rule mine as on insert to core.app_day do instead nothing",
    "alter table core.app_day disable trigger all",
    "set session_replication_role = replica",
    "copy core.app_day to '/tmp/mine'",
    "copy mart.coverage to program 'cat'",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select setval('core.app_app_key_seq', 1)",
    "select * from pg_authid",
    "select * from pg_hba_file_rules",
    "select pg_reload_conf()",
    "select pg_switch_wal()",
    "select pg_create_physical_replication_slot('mine')",
    "create publication mine for all tables",
]


@pytest.mark.parametrize("statement", INTRUSIONS)
@pytest.mark.parametrize("role", ["analyst", "loader"])
def test_no_role_can_exceed_its_privileges(module_warehouse: Warehouse, role: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(module_warehouse, role, statement.format(role=role, database=module_warehouse.database))


@pytest.mark.parametrize(
    "statement",
    [
        "create temporary table mine (x integer)",
        "select pg_advisory_lock(1)",
        "select pg_advisory_xact_lock(hashtext('window_edge'), hashtext('agora_dashboard'))",
        "select pg_try_advisory_lock_shared(1, 2)",
        "begin; lock table core.app_day",
        "begin; lock table mart.coverage in share mode",
        "set temp_file_limit = -1",
        "alter role analyst reset temp_file_limit",
        "alter role analyst connection limit -1",
        "select top_kbps from core.app_day",
    ],
)
def test_an_analyst_outside_read_only_mode_can_neither_write_nor_block_others(
    module_warehouse: Warehouse, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(module_warehouse, "analyst", statement)


def test_an_analysts_query_cannot_fill_the_disk(module_warehouse: Warehouse) -> None:
    assert module_warehouse.rows("show temp_file_limit", role="analyst") == [{"temp_file_limit": "2GB"}]


def test_analysts_leave_connections_for_the_loader(module_warehouse: Warehouse) -> None:
    (row,) = module_warehouse.rows(
        "select rolconnlimit < current_setting('max_connections')::integer / 2 as is_bounded, rolconnlimit"
        " from pg_roles where rolname = 'analyst'"
    )
    assert row["is_bounded"]
    assert row["rolconnlimit"] > 0


def test_every_session_has_time_limits(module_warehouse: Warehouse) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    for role in ("analyst", "loader"):
        rows = module_warehouse.rows(
            "select name, setting::integer as ms, source from pg_settings where name = any(%s)",
            (list(names),),
            role,
        )
        assert {row["name"] for row in rows if row["source"] == "user" and row["ms"] > 0} == set(names)


def test_a_response_cannot_be_stored_under_the_key_of_another(module_warehouse: Warehouse) -> None:
    module_warehouse.add_raw("a", date(2025, 1, 1))
    with pytest.raises(errors.UniqueViolation):
        attempt(
            module_warehouse,
            "loader",
            "insert into raw.bandwidth_response overriding system value select * from raw.bandwidth_response",
        )
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(
            module_warehouse,
            "loader",
            "insert into raw.bandwidth_response overriding system value select * from raw.bandwidth_response"
            " on conflict (response_key) do update set fault = ''",
        )
