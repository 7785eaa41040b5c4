"""Access by role: the analyst reads mart, the loader reads and writes, and other roles see nothing."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import errors

from agora.warehouse.migrations.migrate import migrate
from tests.warehouse.database import Warehouse

MART = [
    "mart.bandwidth_5min",
    "mart.bandwidth_5min_between('2025-01-01', '2025-01-02')",
    "mart.bandwidth_5min_total",
    "mart.bandwidth_daily",
    "mart.billing_monthly",
    "mart.billing_monthly_total",
    "mart.billing_monthly_group",
    "mart.billing_between('2025-01-01', '2025-01-31')",
    "mart.summed_figures('2025-01-01', '2025-01-31', null, null)",
    "mart.bandwidth_trend('month')",
    "mart.billing_contract",
    "mart.billing_statement",
    "mart.billing_closed",
    "mart.billing_by_contract('a', '2025-01-01', '2025-01-31', 'p95_kbps', null, null)",
    "mart.billing_amount(1, '[]')",
    "mart.days_until_commit('a', '2025-01-01', '2025-01-31', 'p95_kbps', 1)",
    "mart.worst_status('{final}')",
    "mart.coverage",
    "mart.restatement",
    "mart.collection_run",
    "mart.vendor_account",
    "mart.push_stream_state",
    "mart.dag_schedule",
    "mart.app",
    "mart.dates_in('{}')",
    "mart.days_in('{}')",
    "mart.expires_on('2025-01-31', '1 month')",
    "mart.lost_on('2025-01-31', '1 month')",
]
# Called by every view, so every role may execute it. A role without access to the schema cannot.
CALLED_BY_VIEWS = ["mart.clock()"]
TABLES = [
    "raw.bandwidth_response",
    "core.vendor_account",
    "core.app",
    "core.app_day",
    "core.restatement",
    "core.request_pace",
    "core.collection_run",
    "core.month_p95",
    "core.day_sum",
    "core.changed_app_day",
    "core.entered_days",
    "core.push_stream_state",
    "core.dag_schedule",
    "core.billing_contract",
    "core.closed_bill",
]
VIEWS = [
    "core.app_calendar",
    "core.app_day_state",
    "core.fresh_month_p95",
    "core.fresh_day_sum",
    "core.summed_day",
    "core.app_past_dates",
    "core.summed_month",
    "core.app_month",
]
INTERNAL = [*TABLES, *VIEWS, "public.warehouse_version"]
FUNCTIONS = [
    "core.delete_raw_responses('2025-01-01')",
    "core.delete_app_days('2025-01-01')",
    "core.refresh_aggregates(1)",
    "core.replace_contracts('[]')",
]
# Called by functions in mart, which run as the owner.
OWNERS_FUNCTIONS = [
    "core.per_slot('#')",
    "core.sum_of_apps('2025-01-01', '2025-01-31', null, '{}')",
    "core.summed_days('2025-01-01', '2025-01-31', null, null)",
    "core.app_period('2025-01-01', '2025-01-31', null, null)",
]
TRIGGERS = ["core.note_changed_points", "core.note_changed_group"]


def attempt(warehouse: Warehouse, role: str, statement: str) -> None:
    """Run a statement as a role in a read-write transaction, and roll it back."""
    with warehouse.connect("postgres") as connection, connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("set transaction read write")
        cursor.execute(f"set local role {role}")
        cursor.execute(statement)
        cursor.execute("rollback")


def assert_refused(warehouse: Warehouse, role: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(warehouse, role, statement)


@pytest.fixture(scope="module")
def stranger(module_warehouse: Warehouse) -> str:
    """Return a role without any grant. Roles belong to the server, so the role may already exist."""
    if not module_warehouse.rows("select 1 from pg_roles where rolname = 'stranger'"):
        module_warehouse.run("create role stranger login password 'stranger'", role="postgres")
    return "stranger"


def test_the_lists_here_are_complete(module_warehouse: Warehouse) -> None:
    rows = module_warehouse.rows(
        "select relnamespace::regnamespace::text || '.' || relname as name from pg_class"
        " where relnamespace::regnamespace::text in ('raw', 'core', 'mart', 'public') "
        " and relkind in ('r', 'v', 'm')"
        " union all"
        " select pronamespace::regnamespace::text || '.' || proname from pg_proc"
        " where pronamespace::regnamespace::text in ('raw', 'core', 'mart', 'public')"
    )
    listed = MART + CALLED_BY_VIEWS + INTERNAL + FUNCTIONS + OWNERS_FUNCTIONS + TRIGGERS
    assert {row["name"] for row in rows} == {name.split("(")[0] for name in listed}


@pytest.mark.parametrize("relation", MART + CALLED_BY_VIEWS)
@pytest.mark.parametrize("role", ["analyst", "loader"])
def test_analyst_and_loader_read_mart(module_warehouse: Warehouse, role: str, relation: str) -> None:
    attempt(module_warehouse, role, f"select * from {relation}")


@pytest.mark.parametrize("relation", ["mart.coverage", "mart.bandwidth_daily", "mart.billing_monthly"])
def test_a_privilege_on_a_view_is_sufficient(
    module_warehouse: Warehouse, stranger: str, relation: str
) -> None:
    given = f"usage on schema mart to {stranger}; grant select on {relation} to {stranger}"
    module_warehouse.run(f"grant {given}")
    try:
        attempt(module_warehouse, stranger, f"select * from {relation}")
    finally:
        module_warehouse.run(
            f"revoke {given}".replace("grant select", "revoke select").replace(" to ", " from ")
        )


@pytest.mark.parametrize("relation", [*INTERNAL, *FUNCTIONS, *OWNERS_FUNCTIONS])
def test_the_analyst_sees_nothing_outside_mart(module_warehouse: Warehouse, relation: str) -> None:
    assert_refused(module_warehouse, "analyst", f"select * from {relation}")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into core.app_day (app_key) values (1)",
        "update core.app_day set points = 0",
        "delete from core.app_day",
        "truncate core.app_day",
        "create table mart.mine (x integer)",
        "create table public.mine (x integer)",
        "create schema mine",
        "create or replace view mart.coverage as select 1",
        "drop view mart.coverage",
    ],
)
def test_the_analyst_writes_and_creates_nothing(module_warehouse: Warehouse, statement: str) -> None:
    assert_refused(module_warehouse, "analyst", statement)


def test_the_analysts_own_sessions_are_read_only(module_warehouse: Warehouse) -> None:
    with pytest.raises((errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)):
        module_warehouse.run("create table public.mine (x integer)", role="analyst")


@pytest.mark.parametrize("relation", [*TABLES, *VIEWS, *FUNCTIONS])
def test_the_loader_reads_its_tables_and_views(module_warehouse: Warehouse, relation: str) -> None:
    attempt(module_warehouse, "loader", f"select * from {relation}")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into raw.bandwidth_response (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
        " values ('a', '2025-01-01', now(), 200, '', '')",
        "insert into core.vendor_account (conn_id, timezone, window_length) values ('c', 'UTC', '1 month')",
        "update core.vendor_account set timezone = 'UTC'",
        "update core.app set name = ''",
        "update core.app_day set attempts = 1",
        "update core.restatement set reviewed_at = mart.clock(), reviewed_by = 'somebody'",
        "select 1 from core.vendor_account for update",
        "create temporary table batch (x integer) on commit drop",
    ],
)
def test_the_loader_writes_to_its_tables(module_warehouse: Warehouse, statement: str) -> None:
    attempt(module_warehouse, "loader", statement)


@pytest.mark.parametrize(
    "statement",
    [
        *(f"delete from {table}" for table in TABLES),
        *(f"truncate {table}" for table in TABLES),
        "update raw.bandwidth_response set fault = ''",
        *(
            f"update core.restatement set {column} = {column}"
            for column in ("points_changed", "new_sum_kbps", "new_collected_at", "usage_date")
        ),
        "update core.month_p95 set p95_kbps = 0",
        "update core.billing_contract set commit_kbps = 0",
        "update core.closed_bill set amount = 0",
        "insert into core.day_sum values ('2025-01-01', '2025-01-01', '{}', '{}', '', 0)",
        "update core.changed_app_day set app_key = 0",
        "create table core.mine (x integer)",
        "create table public.mine (x integer)",
        "create schema mine",
        "alter table core.app_day drop constraint state_is_known",
        "drop table raw.bandwidth_response",
        "create index on core.app_day (state)",
        "create or replace view mart.coverage as select 1",
    ],
)
def test_the_loader_deletes_nothing_and_changes_no_schema(
    module_warehouse: Warehouse, statement: str
) -> None:
    assert_refused(module_warehouse, "loader", statement)


@pytest.mark.parametrize("relation", MART + CALLED_BY_VIEWS + INTERNAL + FUNCTIONS)
def test_a_stranger_sees_nothing(module_warehouse: Warehouse, stranger: str, relation: str) -> None:
    assert_refused(module_warehouse, stranger, f"select * from {relation}")


def test_a_stranger_creates_nothing_and_cannot_even_connect(
    module_warehouse: Warehouse, stranger: str
) -> None:
    assert_refused(module_warehouse, stranger, "create table public.mine (x integer)")
    assert_refused(module_warehouse, stranger, "create schema mine")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(
            host=module_warehouse.server.host,
            port=module_warehouse.server.port,
            user=stranger,
            password=stranger,
            dbname=module_warehouse.database,
        )


def test_a_recreated_view_can_be_read_by_the_same_roles(warehouse: Warehouse, stranger: str) -> None:
    warehouse.run("drop view core.app_day_state cascade; drop view mart.bandwidth_5min cascade")
    warehouse.run("drop view mart.restatement, mart.collection_run, mart.vendor_account")
    warehouse.run("drop view mart.push_stream_state, mart.dag_schedule, mart.app")
    warehouse.run("drop view core.app_past_dates, core.app_calendar")
    warehouse.run("drop view core.fresh_month_p95, core.fresh_day_sum, mart.billing_contract")
    assert not warehouse.rows("select 1 from pg_views where schemaname in ('core', 'mart')")
    migrate(warehouse.url())
    for relation in MART:
        attempt(warehouse, "analyst", f"select * from {relation}")
        attempt(warehouse, "loader", f"select * from {relation}")
        assert_refused(warehouse, stranger, f"select * from {relation}")
    attempt(warehouse, "loader", "select * from core.app_day_state")
    assert_refused(warehouse, "analyst", "select * from core.app_day_state")


def test_migrating_again_changes_nothing(warehouse: Warehouse) -> None:
    query = (
        "select oid, relname, relacl::text from pg_class"
        " where relnamespace::regnamespace::text in ('raw', 'core', 'mart') order by oid"
    )
    before = warehouse.rows(query)
    migrate(warehouse.url())
    assert warehouse.rows(query) == before
