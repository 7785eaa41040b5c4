"""The commands in the Makefile and bin/: output and exit status, especially when they refuse to run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import stack
from deploy.local.__main__ import main
from deploy.local.airflow_setup import set_up_airflow
from deploy.local.errors import StackError
from deploy.local.postgres_server import stack_cluster
from deploy.local.secret_files import Secrets
from deploy.local.settings import Settings
from tests.support.paths import ROOT

ELSEWHERE = {
    "PGSSLMODE": "require",
    "PGHOSTADDR": "192.0.2.1",
    "PGSERVICE": "elsewhere",
    "PGOPTIONS": "-c default_transaction_read_only=on",
}


def run(settings: Settings, *command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PG"))},
        "AGORA_LOCAL_DIR": str(settings.state),
        "AGORA_UI_PORT": str(settings.ui_port),
        "AGORA_PG_PORT": str(settings.pg_port),
        "AGORA_SANDBOX_PORT": str(settings.sandbox_port),
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
    }
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


def local_stack(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(settings, sys.executable, "-m", "deploy.local", *arguments)


@pytest.mark.parametrize("name", ["ui_port", "pg_port", "sandbox_port"])
def test_demo_with_a_taken_port_names_it_and_starts_nothing(settings: Settings, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", getattr(settings, name)))
        taken.listen()
        result = local_stack(settings, "demo")
    assert result.returncode == 1
    assert f"port {getattr(settings, name)}" in result.stderr
    assert f"AGORA_{name.upper()}=" in result.stderr
    assert "Traceback" not in result.stderr
    assert not settings.postgres_data.exists()


def test_up_on_the_demos_state_is_refused(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"AGORA_LOCAL_DIR.*make clean"):
        stack.start(settings, stack.UP, set_up_airflow)


def test_a_directory_with_other_files_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    settings = Settings(tmp_path, 18081, 18082, 18083)
    for command in (
        lambda: stack.start(settings, stack.DEMO, set_up_airflow),
        lambda: stack.clean(settings),
    ):
        with pytest.raises(StackError, match="AGORA_LOCAL_DIR"):
            command()
    assert (tmp_path / "thesis.txt").exists()


def test_stop_stops_postgresql_and_clean_removes_the_state(running: Settings) -> None:
    result = local_stack(running, "stop")
    assert (result.returncode, result.stdout[:7]) == (0, "Stopped")
    assert stack_cluster(running).server_pid() is None
    assert "not running" in local_stack(running, "stop").stdout
    assert local_stack(running, "clean").returncode == 0
    assert not running.state.exists()


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
@pytest.mark.parametrize("program", ["psql", "airflow"])
def test_bin_reports_a_stack_that_is_not_running(settings: Settings, secrets: Secrets, program: str) -> None:
    result = run(settings, str(ROOT / "bin" / program), cwd=Path("/"))
    assert result.returncode == 1
    assert "not running. Start it with `make demo`" in result.stderr


@pytest.mark.parametrize("program", ["psql", "airflow"])
def test_bin_reports_that_nothing_is_installed(tmp_path: Path, program: str) -> None:
    (tmp_path / "bin").mkdir()
    copy = tmp_path / "bin" / program
    copy.write_text((ROOT / "bin" / program).read_text())
    result = subprocess.run(["sh", str(copy)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "make demo" in result.stderr


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
@pytest.mark.parametrize(("arguments", "role"), [((), "analyst"), (("--owner",), "owner")])
def test_psql_connects_from_any_directory_as_analyst_or_owner(
    shared: tuple[Settings, Secrets], arguments: tuple[str, ...], role: str
) -> None:
    program = str(ROOT / "bin" / "psql")
    result = run(shared[0], program, *arguments, "-XAtc", "select current_user", cwd=Path("/"))
    assert (result.stdout, result.stderr) == (f"{role}\n", "")


def test_the_callers_libpq_variables_are_not_used(
    running: Settings, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGORA_LOCAL_DIR", str(running.state))
    monkeypatch.setenv("AGORA_WAREHOUSE_OWNER_URL", "")
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    assert main(["upgrade"]) == 0
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    main(["no such command"])
    assert not ELSEWHERE.keys() & os.environ.keys()
