"""The proxy: the effect of each network fault on a client, and the trigger."""

from __future__ import annotations

import gc
import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from sandbox.proxy import CHUNK_BYTES, HOST, Kind, NetworkFault, Proxy, main
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import Reply, RunningSandbox

DAY = date(2026, 11, 20)
SHORT_SECONDS = 0.3
LONG_MS = 60_000


@pytest.fixture
def proxy(sandbox: RunningSandbox) -> Iterator[Proxy]:
    with running_proxy(sandbox.port) as running:
        yield running


def connected(proxy: Proxy, timeout_seconds: float = 30) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout_seconds)


def request(sandbox: RunningSandbox, app: int = 0) -> bytes:
    return (
        f"GET /dev/v2/apps/{sandbox.app_ids[app]}/usages/bandwidth?date={DAY:%Y%m%d} HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: {sandbox.authorization}\r\nConnection: close\r\n\r\n"
    ).encode()


def received(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def response(proxy: Proxy, sandbox: RunningSandbox, app: int = 0) -> bytes:
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox, app))
        return received(connection)


def test_without_a_fault_all_bytes_are_forwarded(proxy: Proxy, sandbox: RunningSandbox) -> None:
    truth = sandbox.fetch(sandbox.app_ids[0], DAY)
    connection = http.client.HTTPConnection(HOST, proxy.port, timeout=30)
    with closing(connection):
        for _ in range(2):  # over one connection
            connection.request(
                "GET",
                f"/dev/v2/apps/{sandbox.app_ids[0]}/usages/bandwidth?date={DAY:%Y%m%d}",
                headers={"Authorization": sandbox.authorization},
            )
            got = connection.getresponse()
            assert Reply(got.status, {}, got.read()) == Reply(200, {}, truth.body)


def test_a_reset_at_the_connection(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("reset")
    # A quick reset already interrupts the connection.
    with pytest.raises(ConnectionResetError), closing(connected(proxy)) as connection:
        connection.recv(1)
    assert sandbox.stats()["requests"] == 0


def test_a_reset_within_a_response(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("reset", after_bytes=500)
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(ConnectionResetError):
            received(connection)


def test_a_black_hole_accepts_a_connection_and_sends_nothing(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("black-hole")
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert sandbox.stats()["requests"] == 0


def test_a_black_hole_within_a_response(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("black-hole", after_bytes=500)
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        assert len(connection.recv(500, socket.MSG_WAITALL)) == 500
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.parametrize("kind", ["truncate", "half-close"])
@pytest.mark.parametrize("size", [0, 1, 500])
def test_truncates_after_a_number_of_bytes(
    proxy: Proxy, sandbox: RunningSandbox, kind: Kind, size: int
) -> None:
    whole = response(proxy, sandbox)
    proxy.fault = NetworkFault(kind, on="GET ", after_bytes=size)
    cut = response(proxy, sandbox)
    assert len(cut) == size
    assert cut.startswith(whole[:15][:size])


def test_counts_the_bytes_of_all_responses_of_a_connection(proxy: Proxy, sandbox: RunningSandbox) -> None:
    several = CHUNK_BYTES + 5000
    proxy.fault = NetworkFault("truncate", after_bytes=several)
    with closing(connected(proxy)) as connection:
        for _ in range(30):
            connection.sendall(request(sandbox).replace(b"Connection: close\r\n", b""))
        assert len(received(connection)) == several


def test_only_a_half_closed_connection_accepts_bytes(proxy: Proxy, sandbox: RunningSandbox) -> None:
    outcomes: dict[Kind, str] = {}
    kinds: tuple[Kind, ...] = ("truncate", "half-close")
    for kind in kinds:
        proxy.fault = NetworkFault(kind, after_bytes=500)
        with closing(connected(proxy, SHORT_SECONDS)) as connection:
            connection.sendall(request(sandbox))
            received(connection)
            try:
                for _ in range(100):
                    connection.sendall(b"more")
                    connection.recv(1)
                outcomes[kind] = "accepts"
            except OSError:
                outcomes[kind] = "closed"
    assert outcomes == {"truncate": "closed", "half-close": "accepts"}


def test_only_the_trigger_text_triggers_a_fault(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("truncate", on=sandbox.app_ids[1])
    assert [bool(response(proxy, sandbox, app)) for app in (0, 1, 2)] == [True, False, True]


def test_a_trigger_text_in_two_pieces_counts(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("truncate", on=sandbox.app_ids[0])
    text = request(sandbox)
    with closing(connected(proxy)) as connection:
        connection.sendall(text[:30])
        time.sleep(0.1)  # otherwise, the pieces can arrive as one
        connection.sendall(text[30:])
        assert received(connection) == b""


def test_a_fault_can_change_while_a_connection_is_open(proxy: Proxy, sandbox: RunningSandbox) -> None:
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox).replace(b"Connection: close\r\n", b""))
        assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        proxy.fault = NetworkFault("truncate", on="GET ")
        connection.sendall(request(sandbox))
        received(connection)
    assert sandbox.stats()["requests"] == 1
    proxy.fault = NetworkFault()
    assert response(proxy, sandbox).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("fault", [NetworkFault(latency_ms=LONG_MS), NetworkFault(jitter_ms=10**9)])
def test_a_long_delay(proxy: Proxy, sandbox: RunningSandbox, fault: NetworkFault) -> None:
    proxy.fault = fault
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_short_delay(proxy: Proxy, sandbox: RunningSandbox) -> None:
    whole = response(proxy, sandbox)
    proxy.fault = NetworkFault(latency_ms=5, jitter_ms=5)
    assert response(proxy, sandbox)[-500:] == whole[-500:]


def test_an_unreachable_server_closes_the_connection(
    sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with running_proxy(1) as proxy:
        assert response(proxy, sandbox) == b""
        gc.collect()  # asyncio then logs an exception that was never retrieved
    assert caplog.messages == []


def test_the_command_line(sandbox: RunningSandbox) -> None:
    command = [sys.executable, "-m", "sandbox.proxy", "--to", f"127.0.0.1:{sandbox.port}"]
    with subprocess.Popen(
        [*command, "--fault", "truncate", "--on", "GET ", "--after-bytes", "12"], stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            port = re.search(r"Proxy: http://127\.0\.0\.1:([0-9]+) to 127\.0\.0\.1:", line)
            assert port is not None, line
            with closing(socket.create_connection((HOST, int(port[1])), 30)) as connection:
                connection.sendall(request(sandbox))
                assert received(connection) == b"HTTP/1.1 200"
        finally:
            process.terminate()
    assert process.returncode == 0


def test_names_a_port_in_use(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", "127.0.0.1:1", "--listen", str(proxy.port)]) == 1
    assert f"Cannot listen on port {proxy.port}" in capsys.readouterr().err
