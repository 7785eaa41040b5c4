"""The proxy: what a client sees of each fault, and whom it strikes."""

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
    """Read until the other side ends."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(proxy: Proxy, sandbox: RunningSandbox, app: int = 0) -> bytes:
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox, app))
        return received(connection)


def test_without_a_fault_everything_passes_as_it_is(proxy: Proxy, sandbox: RunningSandbox) -> None:
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


def test_a_reset_at_connection_reaches_the_client_and_nothing_the_sandbox(
    proxy: Proxy, sandbox: RunningSandbox
) -> None:
    proxy.fault = NetworkFault("reset")
    # Already while it connects, if the reset is quick.
    with pytest.raises(ConnectionResetError), closing(connected(proxy)) as connection:
        connection.recv(1)
    assert sandbox.stats()["requests"] == 0


def test_a_reset_in_mid_answer(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("reset", after_bytes=500)
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(ConnectionResetError):
            received(connection)


def test_a_black_hole_accepts_and_says_nothing(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("black-hole")
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert sandbox.stats()["requests"] == 0


def test_a_black_hole_swallows_in_mid_answer(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("black-hole", after_bytes=500)
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        assert len(connection.recv(500, socket.MSG_WAITALL)) == 500
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.parametrize("kind", ["truncate", "half-close"])
@pytest.mark.parametrize("size", [0, 1, 500])
def test_an_end_after_so_many_bytes(proxy: Proxy, sandbox: RunningSandbox, kind: Kind, size: int) -> None:
    whole = answer(proxy, sandbox)
    proxy.fault = NetworkFault(kind, on="GET ", after_bytes=size)
    cut = answer(proxy, sandbox)
    assert len(cut) == size
    assert cut.startswith(whole[:15][:size])


def test_the_bytes_are_counted_over_all_answers_of_a_connection(
    proxy: Proxy, sandbox: RunningSandbox
) -> None:
    several = CHUNK_BYTES + 5000
    proxy.fault = NetworkFault("truncate", after_bytes=several)
    with closing(connected(proxy)) as connection:
        for _ in range(30):
            connection.sendall(request(sandbox).replace(b"Connection: close\r\n", b""))
        assert len(received(connection)) == several


def test_only_a_half_closed_connection_still_listens(proxy: Proxy, sandbox: RunningSandbox) -> None:
    outcomes: dict[Kind, str] = {}
    kinds: tuple[Kind, ...] = ("truncate", "half-close")
    for kind in kinds:
        proxy.fault = NetworkFault(kind, after_bytes=500)
        with closing(connected(proxy, SHORT_SECONDS)) as connection:
            connection.sendall(request(sandbox))
            received(connection)
            try:
                for _ in range(100):
                    connection.sendall(b"is anybody there?")
                    connection.recv(1)
                outcomes[kind] = "listens"
            except OSError:
                outcomes[kind] = "gone"
    assert outcomes == {"truncate": "gone", "half-close": "listens"}


def test_a_fault_strikes_only_who_sends_its_text(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("truncate", on=sandbox.app_ids[1])
    assert [bool(answer(proxy, sandbox, app)) for app in (0, 1, 2)] == [True, False, True]


def test_a_text_in_two_pieces_is_found(proxy: Proxy, sandbox: RunningSandbox) -> None:
    proxy.fault = NetworkFault("truncate", on=sandbox.app_ids[0])
    text = request(sandbox)
    with closing(connected(proxy)) as connection:
        connection.sendall(text[:30])
        time.sleep(0.1)  # or the pieces may arrive as one
        connection.sendall(text[30:])
        assert received(connection) == b""


def test_a_fault_can_be_switched_while_a_connection_is_open(proxy: Proxy, sandbox: RunningSandbox) -> None:
    with closing(connected(proxy)) as connection:
        connection.sendall(request(sandbox).replace(b"Connection: close\r\n", b""))
        assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        proxy.fault = NetworkFault("truncate", on="GET ")
        connection.sendall(request(sandbox))
        received(connection)
    assert sandbox.stats()["requests"] == 1
    proxy.fault = NetworkFault()
    assert answer(proxy, sandbox).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("fault", [NetworkFault(latency_ms=LONG_MS), NetworkFault(jitter_ms=10**9)])
def test_what_is_held_back_is_not_there_yet(
    proxy: Proxy, sandbox: RunningSandbox, fault: NetworkFault
) -> None:
    proxy.fault = fault
    with closing(connected(proxy, SHORT_SECONDS)) as connection:
        connection.sendall(request(sandbox))
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_what_is_held_back_a_little_arrives_whole(proxy: Proxy, sandbox: RunningSandbox) -> None:
    whole = answer(proxy, sandbox)
    proxy.fault = NetworkFault(latency_ms=5, jitter_ms=5)
    assert answer(proxy, sandbox)[-500:] == whole[-500:]


def test_where_nobody_listens_the_connection_ends_without_a_fuss(
    sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with running_proxy(1) as proxy:
        assert answer(proxy, sandbox) == b""
        gc.collect()  # when asyncio complains about a failure that nobody looked at
    assert caplog.messages == []


def test_the_command_line(sandbox: RunningSandbox) -> None:
    command = [sys.executable, "-m", "sandbox.proxy", "--to", f"127.0.0.1:{sandbox.port}"]
    with subprocess.Popen(
        [*command, "--fault", "truncate", "--on", "GET ", "--after-bytes", "12"], stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().decode()
            port = re.search(r"Proxy: http://127\.0\.0\.1:([0-9]+) to 127\.0\.0\.1:", said)
            assert port is not None, said
            with closing(socket.create_connection((HOST, int(port[1])), 30)) as connection:
                connection.sendall(request(sandbox))
                assert received(connection) == b"HTTP/1.1 200"
        finally:
            process.terminate()
    assert process.returncode == 0


def test_a_port_that_is_taken_is_named(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", "127.0.0.1:1", "--listen", str(proxy.port)]) == 1
    assert f"Cannot listen on port {proxy.port}" in capsys.readouterr().err
