"""An analyst can execute no function that writes to the server's disk or signals another session."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from agora.warehouse import roles
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.warehouse.database import Warehouse

EXECUTABLE = """
select distinct proname as name
from pg_proc
where
    provolatile = 'v'
    and pronamespace::regnamespace::text not in ('raw', 'core', 'mart')
    and has_function_privilege('analyst', oid, 'execute')
    -- A trigger function or a function with an internal argument cannot be called directly.
    and prorettype <> 'trigger'::regtype
    and 'internal'::regtype <> all(proargtypes::oid[])
"""
# Every volatile function that stays executable, grouped by the reason why it is harmless.
HARMLESS = {
    "returns the server's state or measurements, without changing anything": """
        amvalidate clock_timestamp current_query currtid2 pg_available_wal_summaries pg_blocking_pids
        pg_collation_actual_version pg_control_checkpoint pg_control_init pg_control_recovery
        pg_control_system pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
        pg_database_collation_actual_version pg_database_size pg_get_loaded_modules pg_get_multixact_members
        pg_get_sequence_data pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers
        pg_get_wal_summarizer_state pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused
        pg_isolation_test_session_is_blocked pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn
        pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage
        pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size
        pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_stat_get_backend_io pg_stat_get_backend_wal
        pg_stat_get_io pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched
        pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time
        pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted
        pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted
        pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
        pg_stat_get_xact_tuples_updated pg_table_size pg_tablespace_size pg_total_relation_size
        pg_wal_summary_contents pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status
        timeofday txid_status
    """,
    "returns a random value or a random order of its argument": """
        array_sample array_shuffle gen_random_uuid random random_normal setseed uuidv4 uuidv7
    """,
    "runs a query with the caller's own rights": """
        cursor_to_xml cursor_to_xmlschema query_to_xml query_to_xml_and_xmlschema query_to_xmlschema
        ts_rewrite ts_stat
    """,
    "changes the caller's own session, or makes it wait": """
        pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_sleep pg_sleep_for
        pg_sleep_until pg_stat_clear_snapshot pg_stat_force_next_flush set_config
    """,
    "needs a privilege on a sequence, which no analyst has": "currval lastval nextval setval",
    "needs to own the index": """
        brin_desummarize_range brin_summarize_new_values brin_summarize_range gin_clean_pending_list
    """,
    "needs the MAINTAIN privilege on the table": """
        pg_clear_attribute_stats pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats
    """,
    "needs the REPLICATION attribute": """
        pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_create_logical_replication_slot
        pg_create_physical_replication_slot pg_drop_replication_slot pg_logical_slot_get_binary_changes
        pg_logical_slot_get_changes pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes
        pg_replication_slot_advance pg_sync_replication_slots
    """,
    "needs a superuser": "pg_import_system_collations pg_nextoid pg_stop_making_pinned_objects",
    "refuses to run outside pg_upgrade": """
        binary_upgrade_add_sub_rel_state binary_upgrade_create_empty_extension
        binary_upgrade_logical_slot_has_caught_up binary_upgrade_replorigin_advance
        binary_upgrade_set_missing_value binary_upgrade_set_next_array_pg_type_oid
        binary_upgrade_set_next_heap_pg_class_oid binary_upgrade_set_next_heap_relfilenode
        binary_upgrade_set_next_index_pg_class_oid binary_upgrade_set_next_index_relfilenode
        binary_upgrade_set_next_multirange_array_pg_type_oid binary_upgrade_set_next_multirange_pg_type_oid
        binary_upgrade_set_next_pg_authid_oid binary_upgrade_set_next_pg_enum_oid
        binary_upgrade_set_next_pg_tablespace_oid binary_upgrade_set_next_pg_type_oid
        binary_upgrade_set_next_toast_pg_class_oid binary_upgrade_set_next_toast_relfilenode
        binary_upgrade_set_record_init_privs
    """,
    "refuses to run outside CREATE EXTENSION": "pg_extension_config_dump",
    "is called by CREATE FUNCTION and by the server": "plpgsql_call_handler plpgsql_validator",
}
# Each call, with the harm that it could do.
REFUSED = {
    "pg_logical_emit_message(false, 'a', repeat('x', 1000))": "the write-ahead log grows without end",
    "pg_logical_emit_message(true, 'a', '\\x00'::bytea, true)": "as above",
    "pg_export_snapshot()": "one file per call, until the transaction ends",
    "pg_notify('a', repeat('x', 7000))": "messages that another session does not fetch stay on disk",
    "pg_cancel_backend(0)": "ends the queries of everyone who shares the login",
    "pg_terminate_backend(0)": "ends the sessions of everyone who shares the login",
    "lo_create(0)": "the disk is filled without a right to any table",
    "lo_put(1, 0, '\\x00')": "as above",
    "lo_open(1, 131072)": "as above",
    "lo_unlink(1)": "removes another role's large object",
    "pg_advisory_xact_lock(1)": "blocks every session that uses the same lock",
}


def test_every_volatile_function_that_an_analyst_can_execute_is_known_to_be_harmless(
    module_warehouse: Warehouse,
) -> None:
    found = {row["name"] for row in module_warehouse.rows(EXECUTABLE)}
    # A function missing above is new in this version of PostgreSQL. Check its effects before you add it.
    assert sorted(found - {name for names in HARMLESS.values() for name in names.split()}) == []


@pytest.mark.parametrize("call", REFUSED)
@pytest.mark.parametrize("mode", ["read only", "read write"])
def test_an_analyst_executes_nothing_that_writes_or_signals(
    module_warehouse: Warehouse, call: str, mode: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied for function"):
        module_warehouse.run(f"set transaction {mode}; select {call}", role="analyst")


@pytest.mark.parametrize("role", ["owner", "loader"])
def test_the_owner_and_the_loader_can_end_a_blocking_session(module_warehouse: Warehouse, role: str) -> None:
    with module_warehouse.connect(role) as other:
        found = module_warehouse.rows(
            "select pg_cancel_backend(%(pid)s) as a, pg_terminate_backend(%(pid)s) as b",
            {"pid": other.info.backend_pid},  # type: ignore[arg-type]
            role,
        )
    assert found == [{"a": True, "b": True}]


def test_the_owner_can_dump_with_several_jobs(module_warehouse: Warehouse, tmp_path: Path) -> None:
    server = module_warehouse.server
    done = subprocess.run(
        [
            server.cluster.programs.directory / "pg_dump",
            "--format=directory",
            "--jobs=2",
            f"--file={tmp_path / 'dump'}",
        ],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": "owner",
            "PGPASSWORD": server.passwords["owner"],
            "PGDATABASE": module_warehouse.database,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_notify_queue_that_needs_no_privilege_is_small(module_warehouse: Warehouse) -> None:
    flood = "set transaction read write; " + "".join(f"notify mine, '{n}{'x' * 7900}';" for n in range(100))
    with module_warehouse.connect("analyst") as listener, listener.cursor() as cursor:
        cursor.execute("listen mine")
        cursor.execute("begin; select 1")  # until this transaction ends, no message is removed
        with pytest.raises(errors.ProgramLimitExceeded, match="too many notifications"):
            module_warehouse.run(flood, role="analyst")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Throwaway]:
    """Yield a server whose roles a test may change."""
    with throwaway() as server:
        yield server


@pytest.mark.parametrize(
    "statement",
    [
        "alter role analyst set search_path = %(long)s",
        "alter role analyst in database warehouse set search_path = %(long)s",
        "alter role analyst set local_preload_libraries = 'absent'",
        "alter role analyst in database warehouse set statement_timeout = 0",
        "alter role analyst password 'mine'",
    ],
)
def test_setup_undoes_an_analysts_changes_to_its_own_login(own_server: Throwaway, statement: str) -> None:
    warehouse = Warehouse(own_server, "warehouse")
    settings = "select * from pg_db_role_setting where setrole = 'analyst'::regrole"
    before = warehouse.rows(settings)
    long = ", ".join(f"a{number}" for number in range(1_000_000))
    # The server accepts all of these changes, and no REVOKE can prevent them.
    warehouse.run(f"set transaction read write; {statement}", {"long": long}, "analyst")  # type: ignore[arg-type]
    with suppress(psycopg2.OperationalError):
        found = warehouse.rows("show statement_timeout", role="analyst")
        assert found == [{"statement_timeout": "0"}]

    with own_server.connect(roles.SUPERUSER, "postgres") as connection:
        roles.create_roles(connection, own_server.passwords)

    assert warehouse.rows(settings) == before
    assert warehouse.rows("show statement_timeout", role="analyst") == [{"statement_timeout": "10min"}]


def test_setup_warns_if_an_analyst_can_prepare_transactions(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), throwaway({"max_prepared_transactions": "3"}):
        pass
    (warning,) = caplog.messages
    assert "max_prepared_transactions is 3: analyst can leave transactions behind that hold" in warning
    assert "set max_prepared_transactions = 0 and restart the server" in warning


def test_an_analyst_cannot_prepare_transactions_by_default(module_warehouse: Warehouse) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="prepared transactions are disabled"):
        module_warehouse.run("begin; select from mart.coverage; prepare transaction 'mine'", role="analyst")
