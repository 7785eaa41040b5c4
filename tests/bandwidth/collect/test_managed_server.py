"""An administrator with CREATEROLE and CREATEDB alone sets the warehouse up, and is told what is not set."""

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
from tests.bandwidth.collect.night import assert_true, night_of, product, window_days
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
NOT_SET = {
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
    """Yield a server with nothing on it but an administrator who is no superuser."""
    with throwaway() as server:
        with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            for statement in (
                "drop database warehouse",
                "drop database airflow",
                "drop role owner, loader, analyst, airflow",
                # As every new server has it.
                "grant connect on database postgres, template1 to public",
                f"create role {ADMINISTRATOR} login createrole createdb password 'administers'",
            ):
                cursor.execute(statement)
        server.passwords = {**server.passwords, ADMINISTRATOR: "administers"}
        yield server


def administer(server: Throwaway, command: list[str], folder: Path = ROOT) -> str:
    """Run a command of the page as the administrator, and return its warnings."""
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
    """Run the page's commands and set passwords; return the warnings."""
    said = administer(server, ROLES)
    if is_new:
        administer(server, CREATE)
    said += administer(server, DATABASE)
    with server.connect(ADMINISTRATOR, "postgres") as connection, connection.cursor() as cursor:
        for role in ("owner", "loader", "analyst"):
            cursor.execute(f"alter role {role} password %s", (server.passwords[role],))
    return said


def collect_a_night(server: Throwaway) -> None:
    migrate(server.url())
    warehouse = Warehouse(server, "warehouse")
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.run()
        assert_true(night, sandbox, product(sandbox.app_ids, window_days(sandbox)))
    assert warehouse.rows("select count(*) > 0 as is_read from mart.bandwidth_5min", role="analyst") == [
        {"is_read": True}
    ]
    for role in ("loader", "analyst"):
        with pytest.raises(errors.InsufficientPrivilege):
            warehouse.run("set transaction read write; delete from core.app_day", role=role)


def test_from_an_empty_server_to_a_collected_night_with_a_sentence_for_each_that_is_not_set(
    server: Throwaway,
) -> None:
    said = set_up(server)
    assert all(sentence in said for sentence in NOT_SET), said
    assert said.count("WARNING:") == len(NOT_SET), said
    assert all(name in said for name in STILL_EXECUTABLE), said
    assert "As a superuser: alter role analyst set temp_file_limit = '2GB';" in said
    # What was named is so, and the rest was set.
    warehouse = Warehouse(server, "warehouse")
    warehouse.run("select pg_logical_emit_message(false, 'a', 'b')", role="analyst")
    assert warehouse.rows("show temp_file_limit", role="analyst") == [{"temp_file_limit": "-1"}]
    assert warehouse.rows("show statement_timeout", role="loader") == [{"statement_timeout": "10min"}]
    collect_a_night(server)
    assert set_up(server, is_new=False) == said


def test_a_default_that_hides_warnings_hides_none_of_them(
    server: Throwaway, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f"alter role {ADMINISTRATOR} set client_min_messages = 'error'")
    said = set_up(server)
    assert all(sentence in said for sentence in NOT_SET), said
    with caplog.at_level(logging.WARNING), server.connect(ADMINISTRATOR, "postgres") as connection:
        roles.create_all(connection, server.passwords)
    assert all(sentence in "\n".join(caplog.messages) for sentence in NOT_SET), caplog.messages


def test_a_provider_that_runs_the_files_as_a_superuser_closes_what_was_left_open(server: Throwaway) -> None:
    set_up(server)
    for file, database in (("roles", "postgres"), ("database", "warehouse")):
        with server.connect(SUPERUSER, database) as connection, connection.cursor() as cursor:
            cursor.execute((ROOT / "sql" / "setup" / f"{file}.sql").read_text("utf-8"))
            assert connection.notices == []
    with pytest.raises(errors.InsufficientPrivilege):
        Warehouse(server, "warehouse").run("select pg_logical_emit_message(false, 'a', 'b')", role="analyst")


def test_roles_that_another_login_made_are_named_one_by_one(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute("create role owner login; create role loader login; create role analyst login")
    said = administer(server, ROLES)
    assert "The login administrator cannot become a member of owner" in said
    assert "statement_timeout of loader is not set: a statement in a run may continue indefinitely." in said
    assert "The connection limit of analyst is not set" in said
    assert said.count("WARNING:") == 14


def test_set_up_in_python_does_the_same_and_logs_the_same(
    server: Throwaway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), server.connect(ADMINISTRATOR, "postgres") as connection:
        roles.create_all(connection, server.passwords)
    said = "\n".join(caplog.messages)
    assert all(sentence in said for sentence in NOT_SET), said
    assert "can connect to the database postgres" in said
    assert len(caplog.messages) == 4, said  # that, template1, and two
    collect_a_night(server)


def test_a_database_that_belongs_to_the_administrator_serves_as_well(server: Throwaway) -> None:
    said = administer(server, ROLES)
    administer(server, [part for part in CREATE if not part.startswith("--owner")])
    said += administer(server, DATABASE)
    assert said.count("WARNING:") == len(NOT_SET), said
    with server.connect(ADMINISTRATOR, "postgres") as connection, connection.cursor() as cursor:
        for role in ("owner", "loader", "analyst"):
            cursor.execute(f"alter role {role} password %s", (server.passwords[role],))
    collect_a_night(server)


@pytest.mark.parametrize("login", [ADMINISTRATOR, SUPERUSER])
def test_only_the_owner_creates_in_a_schema_public_that_an_old_server_left_open(
    server: Throwaway, login: str
) -> None:
    with server.connect(SUPERUSER, "template1") as connection, connection.cursor() as cursor:
        cursor.execute("alter schema public owner to postgres; grant all on schema public to public")
    said = set_up(server)
    opened = "Everyone who can connect can create tables in the schema public"
    assert opened in said
    with server.connect(login, "warehouse") as connection, connection.cursor() as cursor:
        cursor.execute((ROOT / "sql" / "setup" / "database.sql").read_text("utf-8"))
        assert any(opened in notice for notice in connection.notices) == (login != SUPERUSER)
    collect_a_night(server)
    create = "set transaction read write; create table public.mine (x integer)"
    for role in ("loader", "analyst"):
        if login == SUPERUSER:
            with pytest.raises(errors.InsufficientPrivilege):
                Warehouse(server, "warehouse").run(create, role=role)


def test_a_schema_public_in_which_the_owner_cannot_create_is_named(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "template1") as connection, connection.cursor() as cursor:
        cursor.execute("alter schema public owner to postgres")
    said = set_up(server)
    assert "owner cannot create tables in the schema public, so migrations fail." in said
    assert "As a superuser: grant usage, create on schema public to owner;" in said


@pytest.mark.parametrize("role", ["owner", "loader", "analyst"])
def test_a_default_of_the_database_ends_no_idle_session(server: Throwaway, role: str) -> None:
    set_up(server)
    Warehouse(server, "warehouse").run("alter database warehouse set idle_session_timeout = '300ms'")
    with server.connect(role) as connection, connection.cursor() as cursor:
        time.sleep(1)
        cursor.execute("select 1")


def test_a_dump_from_a_server_with_a_superuser_is_restored(
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
    for one in (warehouse, restored):  # the loader's rights came along
        one.add_days([AppDay("a", date(2025, 3, 4), [2.0] * 288)])
    bills = "select * from mart.billing_monthly order by month"
    assert restored.rows(bills, role="analyst") == warehouse.rows(bills) != []
