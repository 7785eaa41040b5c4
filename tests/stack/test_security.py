"""The stack as an outsider sees it: what listens where, and what is written down when a login fails."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local.postgres_server import stack_cluster
from deploy.local.processes import MARKER, Record, processes_with_variable
from tests.stack.stack import LiveStack
from tests.stack.test_credentials import WRONG, everything_written

LOOPBACK = "0100007F"
LISTENING = "0A"


def test_every_socket_of_every_process_listens_on_loopback_alone(session_stack: LiveStack) -> None:
    settings = session_stack.stack.settings
    sockets = {inode for pid in _processes(session_stack) for inode in _sockets(pid)}
    listening = {address for address, inode in _listening() if inode in sockets}

    assert {int(address.split(":")[1], 16) for address in listening} >= {*settings.ports.values()}
    assert {address.split(":")[0] for address in listening} == {LOOPBACK}


def test_the_files_with_secrets_are_for_their_owner_alone(session_stack: LiveStack) -> None:
    state = session_stack.stack.settings.state
    for path in (state / "secrets.json", state / "airflow" / "passwords.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_wrong_password_of_the_warehouse_is_explained_and_no_secret_is_written_down(
    live: LiveStack,
) -> None:
    secrets = live.stack.secrets
    _set_password(live, WRONG)
    try:
        run_id = live.call("POST", "/api/v2/dags/agora_bandwidth_daily/dagRuns", {"logical_date": None})
        said = _log_that_says(live, run_id["dag_run_id"], "refuses the login or the password")
    finally:
        _set_password(live, secrets.postgres["loader"])
        # Not waited for: it would be tried again.
        path = f"/api/v2/dags/agora_bandwidth_daily/dagRuns/{run_id['dag_run_id']}"
        live.call("PATCH", path, {"state": "failed"})

    assert f"connection agora_warehouse, loader@127.0.0.1:{live.stack.settings.pg_port}/warehouse" in said
    assert "No collected data is lost" in said
    everything = dict(everything_written(live))
    for needle in (WRONG, *secrets.postgres.values(), secrets.fernet_key, secrets.jwt_secret):
        assert [where for where, text in everything.items() if needle in text] == []


def _set_password(live: LiveStack, password: str) -> None:
    live.call(
        "PATCH",
        "/api/v2/connections/agora_warehouse?update_mask=password",
        {"connection_id": "agora_warehouse", "conn_type": "postgres", "password": password},
    )


def _log_that_says(live: LiveStack, run_id: str, words: str) -> str:
    """Wait for a task's log with these words, and return it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in (live.stack.settings.state / "airflow" / "logs").rglob("*.log"):
            if f"run_id={run_id}" in str(path) and words in (text := path.read_text(errors="replace")):
                return text
        time.sleep(0.5)
    pytest.fail(f"No log of {run_id} said {words!r} within two minutes.")


def _processes(live: LiveStack) -> Iterator[int]:
    """Return every process of the stack: its services' sessions, PostgreSQL, and what has left them."""
    state = live.stack.settings.state
    yield from stack_cluster(live.stack.settings).processes()
    for record in (state / "run").glob("*.json"):
        yield from (process.pid for process in Record(record.stem, state).members())
    yield from (process.pid for process in processes_with_variable(MARKER, str(state)))


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                target = os.readlink(descriptor)  # noqa: PTH115 - it is no path
                if target.startswith("socket:["):
                    yield target[8:-1]


def _listening() -> Iterator[tuple[str, str]]:
    """Return address and inode of every listening socket of this machine."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                yield fields[1], fields[9]
