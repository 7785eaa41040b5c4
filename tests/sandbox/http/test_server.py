"""The server: its address, a restart on the same port, and a stop."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.sandbox_server import RunningSandbox, running_sandbox


def test_listens_on_loopback_only(sandbox: RunningSandbox) -> None:
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("Listening sockets are read from /proc/net/tcp, which this system lacks.")
    port = f"{sandbox.port:04X}"
    rows = [row.split() for row in listening.read_text().splitlines()[1:]]
    addresses = {row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}
    assert addresses == {f"0100007F:{port}"}


def test_restarts_on_the_same_port() -> None:
    with running_sandbox(apps=1) as sandbox:
        port = sandbox.port
        truth = sandbox.fetch(sandbox.app_ids[0], sandbox.today() - timedelta(days=1)).body
        sandbox.kill()
        with pytest.raises(ConnectionRefusedError):
            sandbox.health()
        sandbox.start()
        assert sandbox.port == port
        assert sandbox.fetch(sandbox.app_ids[0], sandbox.today() - timedelta(days=1)).body == truth


def test_a_delayed_response_does_not_delay_the_stop() -> None:
    with (
        running_sandbox(apps=1, faults=[{"kind": "delay", "seconds": 3600}]) as sandbox,
        socket.create_connection(("127.0.0.1", sandbox.port)) as raw,
    ):
        path = f"/dev/v2/apps/{sandbox.app_ids[0]}/usages/bandwidth"
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {sandbox.authorization}\r\n\r\n"
        raw.sendall(head.encode())
        while sandbox.stats()["requests"] == 0:
            pass
        child = sandbox._child
        assert child is not None
        sandbox.stop()
        assert not child.was_killed
