"""The commands as people type them: what they say when something is not as it should be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import configuration, postgres, stack, upgrade
from embedded.__main__ import main
from embedded.errors import StackError
from embedded.secrets_file import Secrets
from embedded.settings import ROOT, Settings

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


def embedded(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(settings, sys.executable, "-m", "embedded", *arguments)


@pytest.mark.parametrize("name", ["ui_port", "pg_port", "sandbox_port"])
def test_demo_with_a_taken_port_names_it_and_starts_nothing(settings: Settings, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", getattr(settings, name)))
        taken.listen()
        answer = embedded(settings, "demo")
    assert answer.returncode == 1
    assert f"Port {getattr(settings, name)}" in answer.stderr
    assert f"AGORA_{name.upper()}=" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not settings.postgres_data.exists()


def test_up_over_the_demos_state_is_refused(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"AGORA_LOCAL_DIR.*make clean"):
        stack.start(settings, stack.UP, configuration.apply)


def test_a_directory_that_holds_something_else_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    settings = Settings(tmp_path, 18081, 18082, 18083)
    for command in (
        lambda: stack.start(settings, stack.DEMO, configuration.apply),
        lambda: stack.clean(settings),
    ):
        with pytest.raises(StackError, match="holds something else"):
            command()
    assert (tmp_path / "thesis.txt").exists()


def test_stop_stops_postgresql_and_clean_removes_the_state(running: Settings) -> None:
    answer = embedded(running, "stop")
    assert (answer.returncode, answer.stdout[:7]) == (0, "Stopped")
    assert postgres.of_stack(running).server_pid() is None
    assert embedded(running, "stop").stdout == "Nothing was running.\n"
    assert embedded(running, "clean").returncode == 0
    assert not running.state.exists()


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
@pytest.mark.parametrize("program", ["psql", "airflow"])
def test_bin_says_when_the_stack_is_not_up(settings: Settings, secrets: Secrets, program: str) -> None:
    answer = run(settings, str(ROOT / "bin" / program), cwd=Path("/"))
    assert answer.returncode == 1
    assert "not up. Start it with `make demo`" in answer.stderr


@pytest.mark.parametrize("program", ["psql", "airflow"])
def test_bin_says_when_nothing_is_installed(tmp_path: Path, program: str) -> None:
    (tmp_path / "bin").mkdir()
    copy = tmp_path / "bin" / program
    copy.write_text((ROOT / "bin" / program).read_text())
    answer = subprocess.run(["sh", str(copy)], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "make demo" in answer.stderr


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="bin/ uses .venv, which is not here.")
@pytest.mark.parametrize(("arguments", "role"), [((), "analyst"), (("--owner",), "owner")])
def test_psql_from_anywhere_as_analyst_or_owner(
    shared: tuple[Settings, Secrets], arguments: tuple[str, ...], role: str
) -> None:
    program = str(ROOT / "bin" / "psql")
    answer = run(shared[0], program, *arguments, "-XAtc", "select current_user", cwd=Path("/"))
    assert (answer.stdout, answer.stderr) == (f"{role}\n", "")


def test_the_callers_settings_for_another_server_are_not_used(
    running: Settings, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGORA_LOCAL_DIR", str(running.state))
    monkeypatch.setenv("AGORA_WAREHOUSE_OWNER_URL", "")
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    assert upgrade.main() is None
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    main(["no such command"])
    assert not ELSEWHERE.keys() & os.environ.keys()
