"""The command line: its settings, its credentials, and the lines that it prints and logs."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from sandbox.__main__ import main
from sandbox.log import MARKER
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        cwd=ROOT,
        env=inherited | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def introduction(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Base URL" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1]
    return "".join(lines)


def test_generates_credentials_and_prints_them_once() -> None:
    all_generated = []
    for _ in range(2):
        with start("--apps", "1") as process:
            text = introduction(process)
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate()
            assert process.returncode == 0
        generated = re.findall(r"Customer (?:ID|Certificate) \(generated\): ([0-9a-f]{32})", text)
        assert len(generated) == 2
        assert not [secret for secret in generated if secret in rest + errors]
        all_generated += generated
    assert len(set(all_generated)) == 4


def test_does_not_print_credentials_from_the_environment() -> None:
    with start(SANDBOX_CUSTOMER_ID="the-id", SANDBOX_CUSTOMER_CERTIFICATE="the-certificate") as process:
        text = introduction(process)
        process.terminate()
        rest, errors = process.communicate()
    assert "the-" not in (text + rest + errors).replace("the-vendor", "")


def test_stops_when_its_parent_is_gone() -> None:
    with start("--until-input-ends") as process:
        introduction(process)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--apps", "0"],
        ["--apps", "-1"],
        ["--window", "2 months"],
        ["--timezone", "Mars/Olympus"],
        ["--timezone", "../etc/passwd"],
        ["--clock", "noon"],
        ["--rate-limit", "-1"],
        ["--retry-after", "-1"],
        ["--latency-ms", "-1"],
        ["--port", "70000"],
        ["--traffic", "absent.csv"],
        ["--faults", "absent.json"],
    ],
)
def test_refuses_an_invalid_setting(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", *arguments])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_an_invalid_setting_ends_the_process_without_a_traceback() -> None:
    with start("--window", "2 months") as process:
        _, errors = process.communicate()
    assert process.returncode == 2
    assert "error: The window must be" in errors
    assert "Traceback" not in errors


def test_names_a_port_that_is_in_use(sandbox: RunningSandbox) -> None:
    with start("--port", str(sandbox.port)) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.startswith(f"{MARKER} Cannot listen on port {sandbox.port}")


def test_every_line_has_the_marker_and_none_the_credentials() -> None:
    with running_sandbox(apps=1) as sandbox:
        sandbox.fetch(sandbox.app_ids[0], sandbox.today() - timedelta(days=1))
        sandbox.fetch("unknown%0AGET%20/forged", "x")
        sandbox.put_credentials("another-customer", "another-certificate")
        sandbox.fetch(sandbox.app_ids[0])
        with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
            raw.sendall(f"GET / HTTP/1.1\r\nAuthorization {sandbox.authorization}\r\n\r\n".encode())
            raw.recv(100)
        sandbox.put_faults([{"kind": "truncate", "bytes": 1}, {"kind": "status", "status": 500}])
        sandbox.stop()
        log = sandbox.log()
        secrets = [sandbox.customer_id, sandbox.customer_certificate, "another-c", sandbox.authorization[6:]]
    lines = log.splitlines()
    assert all(line.startswith(f"{MARKER} ") for line in lines)
    assert not [secret for secret in secrets if secret in log]
    access = re.compile(r"GET /dev/v2/apps/\w+/usages/bandwidth\?date=\d{8} 200 [\d.]+ ms$")
    assert any(access.search(line) for line in lines)
    assert "It is not the vendor." in lines[0]


def test_quiet_omits_the_access_log() -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        sandbox.fetch(sandbox.app_ids[0])
        assert "GET" not in sandbox.log()


# The tests' own helper


def test_a_failed_start_leaves_no_child_and_gives_the_reason() -> None:
    with pytest.raises(RuntimeError, match="The window must be"), running_sandbox(window="2 months"):
        pass


def test_the_helper_sends_the_credentials_as_http_basic(sandbox: RunningSandbox) -> None:
    pair = base64.b64decode(sandbox.authorization.removeprefix("Basic ")).decode()
    assert pair == f"{sandbox.customer_id}:{sandbox.customer_certificate}"
