"""The local stack's PostgreSQL: authentication, privileges, recovery after a crash or a reboot."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from agora.warehouse import roles
from deploy.local.errors import StackError
from deploy.local.postgres_server import stack_cluster, start_stack_cluster
from deploy.local.secret_files import Secrets, load_or_create_secrets, load_secrets
from deploy.local.settings import HOST, Settings
from tests.deploy.local.query import query


def pid(settings: Settings) -> int:
    found = stack_cluster(settings).server_pid()
    assert found
    return found


def test_restart_on_the_same_data_keeps_rows(running: Settings, secrets: Secrets) -> None:
    query(running, secrets, "owner", "warehouse", "create table sample as select 42 as number")
    stack_cluster(running).stop()
    assert stack_cluster(running).server_pid() is None
    start_stack_cluster(running, secrets)
    assert query(running, secrets, "owner", "warehouse", "select number from sample") == [(42,)]


def test_starting_twice_leaves_the_running_server_alone(running: Settings, secrets: Secrets) -> None:
    before = pid(running)
    start_stack_cluster(running, secrets)
    assert pid(running) == before


def test_recovers_after_kill_9_with_committed_rows(running: Settings, secrets: Secrets) -> None:
    query(running, secrets, "owner", "warehouse", "create table sample as select 42 as number")
    os.kill(pid(running), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while stack_cluster(running).server_pid():  # on a busy machine the process ends late
        assert time.monotonic() < deadline
        time.sleep(0.01)
    start_stack_cluster(running, secrets)
    assert query(running, secrets, "owner", "warehouse", "select number from sample") == [(42,)]


def test_stop_leaves_no_process_even_after_kill_9(running: Settings) -> None:
    cluster = stack_cluster(running)
    os.kill(pid(running), signal.SIGKILL)
    cluster.stop()
    assert cluster.processes() == []


def test_stop_of_a_stopped_server_is_no_error(running: Settings) -> None:
    stack_cluster(running).stop()
    stack_cluster(running).stop()


def test_a_pid_file_with_a_reused_process_id_neither_prevents_the_start_nor_harms_that_process(
    running: Settings, secrets: Secrets
) -> None:
    cluster = stack_cluster(running)
    pid_file = running.postgres_data / "postmaster.pid"
    text = pid_file.read_text()
    cluster.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *text.splitlines()[1:]]) + "\n")
        cluster.stop()
        assert stranger.poll() is None
        start_stack_cluster(running, secrets)
        assert pid(running) != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


def test_an_unfinished_data_directory_is_created_again(settings: Settings, secrets: Secrets) -> None:
    unfinished = settings.postgres_data.with_name("postgres.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    start_stack_cluster(settings, secrets)
    try:
        assert query(settings, secrets, "owner", "warehouse", "select 1") == [(1,)]
    finally:
        stack_cluster(settings).stop()


@pytest.mark.parametrize("role", ["postgres", "owner", "loader", "analyst", "airflow"])
def test_a_wrong_password_is_refused(shared: tuple[Settings, Secrets], role: str) -> None:
    running, _ = shared
    with (
        pytest.raises(psycopg2.OperationalError, match="password authentication failed"),
        roles.connect(HOST, running.pg_port, role, "wrong", "postgres"),
    ):
        pass


def test_every_connection_requires_scram_authentication(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    rules = query(
        running, secrets, "postgres", "postgres", "select auth_method, error from pg_hba_file_rules"
    )
    verifiers = query(
        running,
        secrets,
        "postgres",
        "postgres",
        "select split_part(rolpassword, '$', 1) from pg_authid where rolcanlogin",
    )
    assert set(rules) == {("scram-sha-256", None)}
    assert verifiers == [("SCRAM-SHA-256",)] * len(secrets.postgres)


@pytest.mark.parametrize("role", ["postgres", "owner", "loader", "analyst", "airflow"])
def test_no_role_connects_without_a_password(
    shared: tuple[Settings, Secrets], monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    running, _ = shared
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    with (
        pytest.raises(psycopg2.OperationalError, match="no password supplied"),
        roles.connect(HOST, running.pg_port, role, "", "warehouse"),
    ):
        pass


def test_there_is_no_unix_socket(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    assert query(running, secrets, "postgres", "postgres", "show unix_socket_directories") == [("",)]


def test_the_next_start_applies_a_changed_password(running: Settings, secrets: Secrets) -> None:
    changed = replace(secrets, postgres={**secrets.postgres, "loader": "another-one"})
    start_stack_cluster(running, changed)
    assert query(running, changed, "loader", "warehouse", "select 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(running, secrets, "loader", "warehouse", "select 1")


@pytest.mark.parametrize(
    ("role", "database"),
    [
        ("airflow", "warehouse"),
        ("owner", "airflow"),
        ("loader", "airflow"),
        ("analyst", "airflow"),
        ("airflow", "postgres"),
        ("analyst", "template1"),
    ],
)
def test_a_role_connects_only_to_its_database(
    shared: tuple[Settings, Secrets], role: str, database: str
) -> None:
    running, secrets = shared
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        query(running, secrets, role, database, "select 1")


def test_no_role_has_administrative_privileges(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    statement = (
        "select count(*) from pg_roles where rolcanlogin and rolname <> 'postgres' "
        "and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)"
    )
    assert query(running, secrets, "owner", "warehouse", statement) == [(0,)]


def test_analyst_cannot_write(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        query(running, secrets, "analyst", "warehouse", "create table mine (number int)")


def test_crash_safety_is_on(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    names = ("fsync", "full_page_writes", "synchronous_commit")
    shown = [query(running, secrets, "owner", "warehouse", f"show {name}") for name in names]
    assert shown == [[("on",)]] * 3


def test_listens_only_on_the_loopback_address(shared: tuple[Settings, Secrets]) -> None:
    running, _ = shared
    port = f":{running.pg_port:04X}"
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in (Path("/proc/net") / table).read_text().splitlines()[1:]
        if line.split()[1].endswith(port) and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F{port}"]


def test_no_password_is_in_a_process_list_or_a_log(shared: tuple[Settings, Secrets]) -> None:
    running, secrets = shared
    commands = b"".join(_command_lines())
    logs = b"".join(path.read_bytes() for path in running.log_dir.iterdir())
    for password in secrets.postgres.values():
        assert password.encode() not in commands
        assert password.encode() not in logs


def test_other_users_cannot_read_the_state(shared: tuple[Settings, Secrets]) -> None:
    running, _ = shared
    assert stat.S_IMODE(running.state.stat().st_mode) & 0o066 == 0
    for name in ("secrets.json", "state.json"):
        assert stat.S_IMODE((running.state / name).stat().st_mode) == 0o600


def test_secrets_are_generated_once_and_differ_between_stacks(tmp_path: Path) -> None:
    first, again, other = (load_or_create_secrets(tmp_path / name) for name in ("one", "one", "another"))
    assert first == again
    assert set(other.postgres.values()).isdisjoint(first.postgres.values())
    assert len(set(first.postgres.values())) == len(first.postgres)
    assert first.admin_password not in repr(first)


def test_unreadable_secrets_are_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(StackError, match="make clean"):
        load_secrets(tmp_path / "secrets.json")


def _command_lines() -> Iterator[bytes]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # the process has ended in the meantime, or belongs to another user
                yield (entry / "cmdline").read_bytes()
