"""The commands in docs/vendor_api.md, run against a separate sandbox in place of the real API."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.target import PREFIX, Target
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

PAGE = (ROOT / "docs" / "vendor_api.md").read_text("utf-8")
ALONE, READING, CHANGING = (text.strip() for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
STREAM_URL = "rtmp://stream.example/live/the-stream-key"


@pytest.fixture
def vendor() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=2, rate_limit=10) as sandbox:
        yield sandbox


def variables(vendor: RunningSandbox, **changed: str) -> dict[str, str]:
    """Return the variables that a user sets, without permission to change anything."""
    given = {**Target.for_sandbox(vendor).given, **changed}
    return {PREFIX + name: value for name, value in given.items() if name != "DESTRUCTIVE"}


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        ["sh", "-euc", command.replace(".venv/bin/python", sys.executable)],
        cwd=ROOT,
        env={**others, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def methods(vendor: RunningSandbox) -> set[str]:
    return set(re.findall(r" (\w+) /(?:dev/v2|api/v1)/\S+ \d{3} ", vendor.log()))


def test_without_settings_the_whole_suite_runs_against_its_own_sandbox() -> None:
    done = run(ALONE)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_without_permission_the_suite_changes_nothing(vendor: RunningSandbox) -> None:
    done = run(READING, **variables(vendor))
    assert done.returncode == 0, done.stdout
    assert methods(vendor) == {"GET", "DELETE"}
    channels = vendor.channels()
    assert (channels["starts"], channels["updates"], channels["stops"]) == (0, 0, 0)
    assert not any(vendor.open_states().values())
    stats = vendor.stats()
    assert 15 < stats["requests"] + channels["requests"] < 30
    assert "429" not in stats["by_status"], "the suite keeps to its stated rate"
    reasons = re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", done.stdout, re.MULTILINE)
    assert f"This test changes the account. It needs {PREFIX}DESTRUCTIVE=1 in the environment." in reasons
    assert all(PREFIX in reason for reason in reasons)


def test_with_permission_every_test_runs_and_no_stream_stays_pushed(vendor: RunningSandbox) -> None:
    done = run(CHANGING, **variables(vendor))
    assert done.returncode == 0, done.stdout
    assert methods(vendor) == {"GET", "POST", "PUT", "DELETE"}
    channels = vendor.channels()
    assert channels["starts"] == channels["stops"] > 0
    assert channels["channels"] == []
    assert [app_id for app_id, is_open in vendor.open_states().items() if is_open] == [vendor.app_ids[0]]


def test_without_an_app_certificate_the_channel_tests_are_skipped(vendor: RunningSandbox) -> None:
    done = run(f"{READING} -k channel", **variables(vendor, APP_CERTIFICATE=""))
    assert done.returncode == 0, done.stdout
    assert f"This test needs {PREFIX}APP_CERTIFICATE in the environment." in done.stdout
    assert vendor.channels()["requests"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "disconnect"},
        {"kind": "status", "status": 400, "body": {"error": {"code": 400, "message": f"{STREAM_URL}: no"}}},
    ],
    ids=["the response is lost", "the response repeats the URL"],
)
def test_a_failed_start_leaves_no_stream_pushed_and_shows_no_url(
    vendor: RunningSandbox, fault: dict[str, Any]
) -> None:
    vendor.put_faults([{"call": "channel", "times": 1, **fault}])
    done = run(f"{CHANGING} --showlocals -k started_updated", **variables(vendor, STREAM_URL=STREAM_URL))
    assert "1 failed" in done.stdout
    channels = vendor.channels()
    assert channels["channels"] == []
    assert channels["starts"] == channels["stops"] == (1 if fault["kind"] == "disconnect" else 0)
    assert STREAM_URL not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "only"),
    [
        ({"CUSTOMER_CERTIFICATE": "c0de" * 8, "APP_CERTIFICATE": "cafe" * 8}, ""),
        ({"BASE_URL": "http://127.0.0.1:1", "PUSH_STREAM_URL": "http://127.0.0.1:1"}, "json"),
        ({"BASE_URL": "http://api.example", "PUSH_STREAM_URL": "ftp://api.example"}, "json"),
    ],
    ids=["wrong certificates", "nothing listens", "wrong settings"],
)
def test_a_failing_suite_shows_no_credentials(
    vendor: RunningSandbox, changed: dict[str, str], only: str
) -> None:
    given = variables(vendor, **changed)
    done = run(f"{READING} --showlocals -k '{only}'", **given)
    assert re.search(r"\d+ (failed|error)", done.stdout), done.stdout
    customer_id, certificate = given[f"{PREFIX}CUSTOMER_ID"], given[f"{PREFIX}CUSTOMER_CERTIFICATE"]
    pair = base64.b64encode(f"{customer_id}:{certificate}".encode()).decode()
    secrets = (certificate, given[f"{PREFIX}APP_CERTIFICATE"], pair)
    output = done.stdout + done.stderr
    assert [secret for secret in secrets if secret in output] == []
    assert re.findall(r"004[0-9a-f]{40}", output) == []
