"""An administrator with only CREATEROLE and CREATEDB can set up the warehouse, and gets warnings."""

from __future__ import annotations

import logging
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg2 import errors

from agora.warehouse import roles
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.roles import SUPERUSER
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.paths import ROOT
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import App, AppDay, Warehouse

ADMINISTRATOR = "administrator"
PAGE = ROOT / "docs" / "operations" / "own_server.md"
(ROLES, CREATE, DATABASE), RESTORE = (
    [shlex.split(line) for line in block.splitlines()]
    for block in re.findall(r"```sh\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
)
DAY = date(2025, 3, 3)
EXPECTED_WARNINGS = {
    "temp_file_limit of analyst is not set: one heavy query may fill the disk with temporary files.",
    "analyst can still execute functions that write to the disk or end sessions: ",
}
STILL_EXECUTABLE = (
    "lo_create",
    "loread",
    "pg_advisory_lock",
    "pg_export_snapshot",
    "pg_logical_emit_message",
    "pg_terminate_backend",
)


@pytest.fixture
def server() -> Iterator[Throwaway]:
    """Yield an empty server with an administrator who is not a superuser."""
    with throwaway() as server:
        with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            for statement in (
                "drop database warehouse",
                "drop database airflow",
                "drop role owner, loader, analyst, airflow",
                # The default on a new server.
                "grant connect on database postgres, template1 to public",
                f"create role {ADMINISTRATOR} login createrole createdb password 'administers'",
            ):
                cursor.execute(statement)
        server.passwords = {**server.passwords, ADMINISTRATOR: "administers"}
        yield server


def administer(server: Throwaway, command: list[str], folder: Path = ROOT) -> str:
    """Run a command from the page as the administrator, and return its warnings."""
    programs = server.cluster.programs.directory
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": ADMINISTRATOR,
            "PGPASSWORD": server.passwords[ADMINISTRATOR],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def set_up(server: Throwaway, *, is_new: bool = True) -> str:
    """Run the commands from the page and set passwords; return the warnings."""
    warnings = administer(server, ROLES)
    if is_new:
        administer(server, CREATE)
    warnings += administer(server, DATABASE)
    with server.connect(ADMINISTRATOR, "postgres") as connection, connection.cursor() as cursor:
        for role in ("owner", "loader", "analyst"):
            cursor.execute(f"alter role {role} password %s", (server.passwords[role],))
    return warnings


def collect_a_night(server: Throwaway) -> None:
    migrate(server.url())
    warehouse = Warehouse(server, "warehouse")
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, window_days(sandbox)))
    assert warehouse.rows("select count(*) > 0 as is_read from mart.bandwidth_5min", role="analyst") == [
        {"is_read": True}
    ]
    for role in ("loader", "analyst"):
        with pytest.raises(errors.InsufficientPrivilege):
            warehouse.run("set transaction read write; delete from core.app_day", role=role)


def test_an_empty_server_is_set_up_with_a_warning_for_each_missing_setting(
    server: Throwaway,
) -> None:
    warnings = set_up(server)
    assert all(warning in warnings for warning in EXPECTED_WARNINGS), warnings
    assert warnings.count("WARNING:") == len(EXPECTED_WARNINGS), warnings
    assert all(name in warnings for name in STILL_EXECUTABLE), warnings
    assert "As a superuser: alter role analyst set temp_file_limit = '2GB';" in warnings
    # Each setting in a warning is missing, and all others are set.
    warehouse = Warehouse(server, "warehouse")
    warehouse.run("select pg_logical_emit_message(false, 'a', 'b')", role="analyst")
    assert warehouse.rows("show temp_file_limit", role="analyst") == [{"temp_file_limit": "-1"}]
    assert warehouse.rows("show statement_timeout", role="loader") == [{"statement_timeout": "10min"}]
    collect_a_night(server)
    assert set_up(server, is_new=False) == warnings


def test_setup_warnings_appear_despite_client_min_messages(
    server: Throwaway, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f"alter role {ADMINISTRATOR} set client_min_messages = 'error'")
    warnings = set_up(server)
    assert all(warning in warnings for warning in EXPECTED_WARNINGS), warnings
    with caplog.at_level(logging.WARNING), server.connect(ADMINISTRATOR, "postgres") as connection:
        roles.create_all(connection, server.passwords)
    assert all(warning in "\n".join(caplog.messages) for warning in EXPECTED_WARNINGS), caplog.messages


def test_a_second_setup_by_a_superuser_applies_the_missing_settings(server: Throwaway) -> None:
    set_up(server)
    for file, database in (("roles", "postgres"), ("database", "warehouse")):
        with server.connect(SUPERUSER, database) as connection, connection.cursor() as cursor:
            cursor.execute((ROOT / "sql" / "setup" / f"{file}.sql").read_text("utf-8"))
            assert connection.notices == []
    with pytest.raises(errors.InsufficientPrivilege):
        Warehouse(server, "warehouse").run("select pg_logical_emit_message(false, 'a', 'b')", role="analyst")


def test_roles_created_by_another_login_lead_to_one_warning_per_missing_setting(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute("create role owner login; create role loader login; create role analyst login")
    warnings = administer(server, ROLES)
    assert "The login administrator cannot become a member of owner" in warnings
    assert (
        "statement_timeout of loader is not set: a statement in a run may continue indefinitely." in warnings
    )
    assert "The connection limit of analyst is not set" in warnings
    assert warnings.count("WARNING:") == 14


def test_setup_in_python_has_the_same_effect_and_warnings(
    server: Throwaway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), server.connect(ADMINISTRATOR, "postgres") as connection:
        roles.create_all(connection, server.passwords)
    warnings = "\n".join(caplog.messages)
    assert all(warning in warnings for warning in EXPECTED_WARNINGS), warnings
    assert "can connect to the database postgres" in warnings
    # One warning each for the databases postgres and template1, and the two in EXPECTED_WARNINGS.
    assert len(caplog.messages) == 4, warnings
    collect_a_night(server)


def test_the_database_may_belong_to_the_administrator(server: Throwaway) -> None:
    warnings = administer(server, ROLES)
    administer(server, [part for part in CREATE if not part.startswith("--owner")])
    warnings += administer(server, DATABASE)
    assert warnings.count("WARNING:") == len(EXPECTED_WARNINGS), warnings
    with server.connect(ADMINISTRATOR, "postgres") as connection, connection.cursor() as cursor:
        for role in ("owner", "loader", "analyst"):
            cursor.execute(f"alter role {role} password %s", (server.passwords[role],))
    collect_a_night(server)


@pytest.mark.parametrize("login", [ADMINISTRATOR, SUPERUSER])
def test_setup_by_a_superuser_closes_the_open_public_schema_of_an_old_server(
    server: Throwaway, login: str
) -> None:
    with server.connect(SUPERUSER, "template1") as connection, connection.cursor() as cursor:
        cursor.execute("alter schema public owner to postgres; grant all on schema public to public")
    warnings = set_up(server)
    opened = "Everyone who can connect can create tables in the schema public"
    assert opened in warnings
    with server.connect(login, "warehouse") as connection, connection.cursor() as cursor:
        cursor.execute((ROOT / "sql" / "setup" / "database.sql").read_text("utf-8"))
        assert any(opened in notice for notice in connection.notices) == (login != SUPERUSER)
    collect_a_night(server)
    create = "set transaction read write; create table public.mine (x integer)"
    for role in ("loader", "analyst"):
        if login == SUPERUSER:
            with pytest.raises(errors.InsufficientPrivilege):
                Warehouse(server, "warehouse").run(create, role=role)


def test_a_public_schema_closed_to_the_owner_leads_to_a_warning(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "template1") as connection, connection.cursor() as cursor:
        cursor.execute("alter schema public owner to postgres")
    warnings = set_up(server)
    assert "owner cannot create tables in the schema public, so migrations fail." in warnings
    assert "As a superuser: grant usage, create on schema public to owner;" in warnings


@pytest.mark.parametrize("role", ["owner", "loader", "analyst"])
def test_a_database_default_does_not_end_idle_sessions(server: Throwaway, role: str) -> None:
    set_up(server)
    Warehouse(server, "warehouse").run("alter database warehouse set idle_session_timeout = '300ms'")
    with server.connect(role) as connection, connection.cursor() as cursor:
        time.sleep(1)
        cursor.execute("select 1")


def test_a_dump_from_a_server_with_a_superuser_can_be_restored(
    server: Throwaway, postgres: Throwaway, warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", DAY)])
    warehouse.add_days([AppDay("a", DAY, [1.0] * 288)])
    subprocess.run(
        [postgres.cluster.programs.directory / "pg_dump", "--format=custom", "--file=warehouse.dump"],
        cwd=tmp_path,
        env={
            "PGHOST": postgres.host,
            "PGPORT": str(postgres.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": postgres.passwords[SUPERUSER],
            "PGDATABASE": warehouse.database,
        },
        check=True,
    )
    set_up(server)
    for command in RESTORE:
        administer(server, command, tmp_path)
    restored = Warehouse(server, "warehouse")
    migrate(restored.url())
    for each in (warehouse, restored):  # the loader's rights were restored
        each.add_days([AppDay("a", date(2025, 3, 4), [2.0] * 288)])
    bills = "select * from mart.billing_monthly order by month"
    assert restored.rows(bills, role="analyst") == warehouse.rows(bills) != []
