"""The stack's security: listening sockets, file modes, and the logs of a failed login."""

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
from tests.stack.test_credentials import WRONG, logs_and_tables

LOOPBACK = "0100007F"
LISTENING = "0A"


def test_every_process_listens_only_on_loopback(session_stack: LiveStack) -> None:
    settings = session_stack.stack.settings
    sockets = {inode for pid in _processes(session_stack) for inode in _sockets(pid)}
    listening = {address for address, inode in _listening() if inode in sockets}

    assert {int(address.split(":")[1], 16) for address in listening} >= {*settings.ports.values()}
    assert {address.split(":")[0] for address in listening} == {LOOPBACK}


def test_only_the_owner_can_access_files_with_secrets(session_stack: LiveStack) -> None:
    state = session_stack.stack.settings.state
    for path in (state / "secrets.json", state / "airflow" / "passwords.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_wrong_warehouse_password_is_explained_without_revealing_secrets(
    live: LiveStack,
) -> None:
    secrets = live.stack.secrets
    _set_password(live, WRONG)
    try:
        run_id = live.call("POST", "/api/v2/dags/agora_bandwidth_daily/dagRuns", {"logical_date": None})
        log = _wait_for_log(live, run_id["dag_run_id"], "refuses the login or the password")
    finally:
        _set_password(live, secrets.postgres["loader"])
        # Do not wait for the run, because its task would be retried.
        path = f"/api/v2/dags/agora_bandwidth_daily/dagRuns/{run_id['dag_run_id']}"
        live.call("PATCH", path, {"state": "failed"})

    assert f"connection agora_warehouse, loader@127.0.0.1:{live.stack.settings.pg_port}/warehouse" in log
    assert "No collected data is lost" in log
    texts = dict(logs_and_tables(live))
    for needle in (WRONG, *secrets.postgres.values(), secrets.fernet_key, secrets.jwt_secret):
        assert [where for where, text in texts.items() if needle in text] == []


def _set_password(live: LiveStack, password: str) -> None:
    live.call(
        "PATCH",
        "/api/v2/connections/agora_warehouse?update_mask=password",
        {"connection_id": "agora_warehouse", "conn_type": "postgres", "password": password},
    )


def _wait_for_log(live: LiveStack, run_id: str, expected: str) -> str:
    """Wait for a task log that contains a text, and return the log."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in (live.stack.settings.state / "airflow" / "logs").rglob("*.log"):
            if f"run_id={run_id}" in str(path) and expected in (text := path.read_text(errors="replace")):
                return text
        time.sleep(0.5)
    pytest.fail(f"No log of {run_id} contained {expected!r} within two minutes.")


def _processes(live: LiveStack) -> Iterator[int]:
    """Yield every process of the stack: its services' sessions, PostgreSQL, and escaped processes."""
    state = live.stack.settings.state
    yield from stack_cluster(live.stack.settings).processes()
    for record in (state / "run").glob("*.json"):
        yield from (process.pid for process in Record(record.stem, state).members())
    yield from (process.pid for process in processes_with_variable(MARKER, str(state)))


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed in the meantime
                target = os.readlink(descriptor)  # noqa: PTH115 - the target is not a path
                if target.startswith("socket:["):
                    yield target[8:-1]


def _listening() -> Iterator[tuple[str, str]]:
    """Yield the address and inode of every listening socket on this machine."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                yield fields[1], fields[9]
