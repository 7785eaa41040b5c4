"""The commands of docs/vendor_api.md; a sandbox started apart stands in for the real API."""

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
    """Return what a person sets, without leave to change anything."""
    given = {**Target.of_sandbox(vendor).given, **changed}
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


def test_alone_the_suite_runs_whole_against_its_own_sandbox() -> None:
    done = run(ALONE)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_without_leave_nothing_is_changed_over_there(vendor: RunningSandbox) -> None:
    done = run(READING, **variables(vendor))
    assert done.returncode == 0, done.stdout
    assert methods(vendor) == {"GET", "DELETE"}
    channels = vendor.channels()
    assert (channels["starts"], channels["updates"], channels["stops"]) == (0, 0, 0)
    assert not any(vendor.open_states().values())
    asked = vendor.stats()
    assert 15 < asked["requests"] + channels["requests"] < 30
    assert "429" not in asked["by_status"], "it keeps to the rate that it states"
    reasons = re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", done.stdout, re.MULTILINE)
    assert f"It changes something there: it needs {PREFIX}DESTRUCTIVE=1 in the environment." in reasons
    assert all(PREFIX in reason for reason in reasons)


def test_with_leave_everything_is_tried_and_nothing_stays_pushed(vendor: RunningSandbox) -> None:
    done = run(CHANGING, **variables(vendor))
    assert done.returncode == 0, done.stdout
    assert methods(vendor) == {"GET", "POST", "PUT", "DELETE"}
    channels = vendor.channels()
    assert channels["starts"] == channels["stops"] > 0
    assert channels["channels"] == []
    assert [app_id for app_id, is_open in vendor.open_states().items() if is_open] == [vendor.app_ids[0]]


def test_without_app_certificate_the_channels_are_skipped_by_its_name(vendor: RunningSandbox) -> None:
    done = run(f"{READING} -k channel", **variables(vendor, APP_CERTIFICATE=""))
    assert done.returncode == 0, done.stdout
    assert f"It needs {PREFIX}APP_CERTIFICATE in the environment." in done.stdout
    assert vendor.channels()["requests"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "disconnect"},
        {"kind": "status", "status": 400, "body": {"error": {"code": 400, "message": f"{STREAM_URL}: no"}}},
    ],
    ids=["its answer is lost", "its address is repeated"],
)
def test_a_start_that_fails_leaves_nothing_pushed_and_shows_no_address(
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
    ids=["wrong certificates", "nobody listens", "wrong settings"],
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
    said = done.stdout + done.stderr
    assert [secret for secret in secrets if secret in said] == []
    assert re.findall(r"004[0-9a-f]{40}", said) == []
