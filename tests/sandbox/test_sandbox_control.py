"""The control calls, the description, and what the process says."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from sandbox.config import Config
from sandbox.credentials import Credentials
from sandbox.log import MARKER
from sandbox.openapi.parts import EXAMPLE_APP_ID
from sandbox.server import Sandbox
from tests.sandbox.pushing import push
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

DAY = date(2026, 11, 20)


def test_lists_the_apps(sandbox: RunningSandbox) -> None:
    apps = sandbox.control("GET", "apps")
    assert [app["app_id"] for app in apps] == sandbox.app_ids
    assert all(re.fullmatch("[0-9a-f]{32}", app["app_id"]) for app in apps)
    assert apps[2]["name"] == "classroom-02"


def test_counts_the_vendors_calls_and_no_others(sandbox: RunningSandbox) -> None:
    one, other = sandbox.app_ids[:2]
    calls: list[tuple[str, date | str]] = [(one, DAY), (one, DAY), (one, "x"), (other, DAY), ("unknown", DAY)]
    for app_id, day in calls:
        sandbox.fetch(app_id, day)
    sandbox.request("GET", f"/dev/v2/apps/{one}/usages/bandwidth")
    sandbox.health()
    stats = sandbox.stats()
    assert stats["requests"] == 6
    assert stats["by_status"] == {"200": 3, "400": 1, "404": 1, "401": 1}
    assert stats["by_app"] == {one: {"200": 2, "400": 1, "401": 1}, other: {"200": 1}}
    assert stats["usage_dates"] == {one: {"2026-11-20": 2}, other: {"2026-11-20": 1}}
    first, last = (datetime.fromisoformat(stats[f"{which}_request_at"]) for which in ("first", "last"))
    assert first < last
    assert 1 <= stats["most_requests_within_one_second"] <= 6


def test_counts_anew_after_a_reset(sandbox: RunningSandbox) -> None:
    sandbox.fetch(sandbox.app_ids[0], DAY)
    sandbox.reset_stats()
    stats = sandbox.stats()
    assert (stats["requests"], stats["by_app"], stats["first_request_at"]) == (0, {}, None)


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("rate-limit", {"per_second": -1}),
        ("rate-limit", {"per_second": "10"}),
        ("rate-limit", {"per_second": True}),
        ("rate-limit", {}),
        ("rate-limit", [1]),
        ("credentials", {"customer_id": "", "customer_certificate": "x"}),
        ("credentials", {"customer_id": "a:b", "customer_certificate": "x"}),
        ("credentials", {"customer_id": "a", "customer_certificate": 1}),
        ("credentials", {"customer_id": "a"}),
        ("clock", {"now": "noon"}),
        ("clock", {"now": 5}),
        ("clock", {"now": "0001-01-01T00:00:00+14:00"}),
        ("clock", {"now": "9999-12-31T23:59:59-12:00"}),
        ("faults", {}),
    ],
)
def test_refuses_what_a_control_call_does_not_mean(sandbox: RunningSandbox, call: str, body: object) -> None:
    reply = sandbox.request("PUT", f"/_sandbox/{call}", body=b"{")
    assert reply.status == 400
    with pytest.raises(ValueError, match=r"\w\."):
        sandbox.control("PUT", call, body)
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 200


def test_has_no_other_control_calls(sandbox: RunningSandbox) -> None:
    assert sandbox.request("GET", "/_sandbox/secrets").status == 404
    assert sandbox.request("DELETE", "/_sandbox/faults").status == 405


def test_control_calls_answer_to_loopback_names_only(sandbox: RunningSandbox) -> None:
    assert sandbox.request("GET", "/_sandbox/stats", {"Host": "evil.example"}).status == 403


def test_the_description_lists_every_route() -> None:
    sandbox = Sandbox(Config(credentials=Credentials("a", "b"), apps=1))
    served = {
        (route.resource.canonical, route.method.lower())
        for route in sandbox.application().router.routes()
        if route.resource is not None
    }
    with running_sandbox(apps=1) as running:
        described = running.request("GET", "/openapi.json").json()
    assert served == {(path, method) for path, methods in described["paths"].items() for method in methods}


def test_the_description_is_sound_and_true(sandbox: RunningSandbox) -> None:
    described = sandbox.request("GET", "/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = [o for methods in described["paths"].values() for o in methods.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    assert {tag for o in operations for tag in o["tags"]} == {tag["name"] for tag in described["tags"]}
    call = described["paths"]["/dev/v2/apps/{app_id}/usages/bandwidth"]["get"]
    assert set(call["responses"]) == {"200", "400", "401", "404", "429", "500"}
    push(sandbox, "POST")
    for name, answer in [
        ("Bandwidth", sandbox.fetch(sandbox.app_ids[0], DAY).json()),
        ("Bandwidth", call["responses"]["200"]["content"]["application/json"]["example"]),
        ("Failure", sandbox.fetch("unknown", DAY).json()),
        ("App", sandbox.control("GET", "apps")[0]),
        ("Stats", sandbox.stats()),
        ("Channels", sandbox.channels()),
    ]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(answer, schema, jsonschema.Draft202012Validator)


def test_the_examples_of_the_description_work(sandbox: RunningSandbox) -> None:
    described = sandbox.request("GET", "/openapi.json").json()
    for path, methods in described["paths"].items():
        if "put" in methods:
            example = methods["put"]["requestBody"]["content"]["application/json"]["example"]
            if path.startswith("/_sandbox/"):
                known = json.dumps(example).replace(EXAMPLE_APP_ID, sandbox.app_ids[0])
                sandbox.control("PUT", path.removeprefix("/_sandbox/"), json.loads(known))


def test_every_line_carries_the_marker_and_none_the_credentials() -> None:
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
    assert any(
        re.search(r"GET /dev/v2/apps/\w+/usages/bandwidth\?date=\d{8} 200 [\d.]+ ms$", line) for line in lines
    )
    assert "It is not the vendor." in lines[0]


def test_quiet_leaves_out_the_access_log() -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        sandbox.fetch(sandbox.app_ids[0])
        assert "GET" not in sandbox.log()


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


def test_draws_credentials_at_random_where_none_are_set_and_tells_them_once() -> None:
    told = []
    for _ in range(2):
        with start("--apps", "1") as process:
            text = introduction(process)
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate()
            assert process.returncode == 0
        drawn = re.findall(r"Customer (?:ID|Certificate), drawn at random: ([0-9a-f]{32})", text)
        assert len(drawn) == 2
        assert not [secret for secret in drawn if secret in rest + errors]
        told += drawn
    assert len(set(told)) == 4


def test_does_not_tell_credentials_that_were_set() -> None:
    with start(SANDBOX_CUSTOMER_ID="the-id", SANDBOX_CUSTOMER_CERTIFICATE="the-certificate") as process:
        text = introduction(process)
        process.terminate()
        rest, errors = process.communicate()
    assert "the-" not in (text + rest + errors).replace("the-vendor", "")


def test_ends_when_its_parent_is_gone() -> None:
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
def test_refuses_wrong_settings_with_a_sentence(arguments: list[str]) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate()
    assert process.returncode == 2
    assert "error: " in errors
    assert "Traceback" not in errors


def test_says_so_when_the_port_is_taken(sandbox: RunningSandbox) -> None:
    with start("--port", str(sandbox.port)) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.startswith(f"{MARKER} Cannot listen on port {sandbox.port}")


def test_listens_on_loopback_only(sandbox: RunningSandbox) -> None:
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("Listening sockets are read from /proc/net/tcp, which this system lacks.")
    port = f"{sandbox.port:04X}"
    rows = [row.split() for row in listening.read_text().splitlines()[1:]]
    addresses = {row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}
    assert addresses == {f"0100007F:{port}"}


def test_can_go_away_and_come_back_on_the_same_port() -> None:
    with running_sandbox(apps=1) as sandbox:
        port, truth = (
            sandbox.port,
            sandbox.fetch(sandbox.app_ids[0], sandbox.today() - timedelta(days=1)).body,
        )
        sandbox.kill()
        with pytest.raises(ConnectionRefusedError):
            sandbox.health()
        sandbox.start()
        assert sandbox.port == port
        assert sandbox.fetch(sandbox.app_ids[0], sandbox.today() - timedelta(days=1)).body == truth


def test_a_failed_start_leaves_no_child_and_tells_why() -> None:
    with pytest.raises(RuntimeError, match="The window is"), running_sandbox(window="2 months"):
        pass


def test_a_call_held_back_does_not_hold_up_the_stop() -> None:
    with (
        running_sandbox(apps=1, faults=[{"kind": "delay", "seconds": 3600}]) as sandbox,
        socket.create_connection(("127.0.0.1", sandbox.port)) as raw,
    ):
        path = f"/dev/v2/apps/{sandbox.app_ids[0]}/usages/bandwidth"
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {sandbox.authorization}\r\n\r\n"
        raw.sendall(head.encode())
        while sandbox.stats()["requests"] == 0:
            pass
        process = sandbox._process
        assert process is not None
        sandbox.stop()
        assert process.returncode == 0


def test_the_helper_spells_the_header_as_any_client_would(sandbox: RunningSandbox) -> None:
    pair = base64.b64decode(sandbox.authorization.removeprefix("Basic ")).decode()
    assert pair == f"{sandbox.customer_id}:{sandbox.customer_certificate}"
