"""The kinds of fault: their effects, the requests that they apply to, and the errors of a script."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import main
from sandbox.faults.base import FaultError
from sandbox.faults.script import read_script
from sandbox.traffic.apps import seeded_apps
from tests.support.sandbox_server import Reply, RunningSandbox, running_sandbox

DAY = date(2026, 11, 20)
OTHER_DAY = date(2026, 11, 19)


def fetch_with(sandbox: RunningSandbox, **fault: Any) -> Reply:
    sandbox.put_faults([fault])
    return sandbox.fetch(sandbox.app_ids[0], DAY)


def values(reply: Reply) -> dict[str, Any]:
    value = reply.json()["value"]
    assert isinstance(value, dict)
    return value


def test_status_with_the_default_body(sandbox: RunningSandbox) -> None:
    reply = fetch_with(sandbox, kind="status", status=503)
    assert reply.status == 503
    assert reply.json()["message"]
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize(
    ("body", "sent"), [("<html>", b"<html>"), ("", b""), ({"error_msg": "no"}, b'{"error_msg":"no"}')]
)
def test_status_with_a_body_and_retry_after(sandbox: RunningSandbox, body: object, sent: bytes) -> None:
    reply = fetch_with(sandbox, kind="status", status=429, body=body, retry_after=7)
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, sent, "7")


def test_withhold(sandbox: RunningSandbox) -> None:
    truth = values(sandbox.fetch(sandbox.app_ids[0], DAY))
    left = values(fetch_with(sandbox, kind="withhold", slots=["00:00", "13:35"]))
    assert left == {slot: kbps for slot, kbps in truth.items() if slot not in ("00:00", "13:35")}
    assert len(left) == 286


def test_body(sandbox: RunningSandbox) -> None:
    reply = fetch_with(sandbox, kind="body", body='{"date": NaN')
    assert (reply.status, reply.body) == (200, b'{"date": NaN')
    assert reply.headers["content-type"] == "application/json"


def test_body_with_arbitrary_bytes_and_headers(sandbox: RunningSandbox) -> None:
    packed = gzip.compress(b"{}" * 100)
    reply = fetch_with(
        sandbox,
        kind="body",
        body_base64=base64.b64encode(packed).decode(),
        content_type="text/html",
        headers={"Content-Encoding": "gzip"},
    )
    assert (reply.status, reply.body) == (200, packed)
    assert (reply.headers["content-type"], reply.headers["content-encoding"]) == ("text/html", "gzip")


@pytest.mark.parametrize(("unit", "factor"), [("bps", 1000), ("Mbps", 1 / 1000), ("Gbps", 1 / 1_000_000)])
def test_scale_unit(sandbox: RunningSandbox, unit: str, factor: float) -> None:
    truth = values(sandbox.fetch(sandbox.app_ids[0], DAY))
    reply = fetch_with(sandbox, kind="scale_unit", unit=unit)
    assert reply.json()["unit"] == unit
    assert values(reply) == pytest.approx({slot: kbps * factor for slot, kbps in truth.items()})


def test_restate(sandbox: RunningSandbox) -> None:
    truth = values(sandbox.fetch(sandbox.app_ids[0], DAY))
    restated = values(fetch_with(sandbox, kind="restate", factor=1.5))
    assert restated == {slot: round(kbps * 1.5) for slot, kbps in truth.items()}
    assert restated != truth


def test_a_delayed_response_is_true(sandbox: RunningSandbox) -> None:
    truth = sandbox.fetch(sandbox.app_ids[0], DAY).body
    assert fetch_with(sandbox, kind="delay", seconds=0.01).body == truth


@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_truncate_sends_less_than_it_announces(sandbox: RunningSandbox, size: int) -> None:
    truth = sandbox.fetch(sandbox.app_ids[0], DAY).body
    with pytest.raises(http.client.IncompleteRead) as cut:
        fetch_with(sandbox, kind="truncate", bytes=size)
    assert cut.value.partial == truth[: min(size, len(truth) - 1)]
    assert len(cut.value.partial) + (cut.value.expected or 0) == len(truth)


def test_redirect(sandbox: RunningSandbox) -> None:
    reply = fetch_with(sandbox, kind="redirect", location="https://example.org/elsewhere")
    assert (reply.status, reply.headers["location"]) == (302, "https://example.org/elsewhere")


def test_disconnect(sandbox: RunningSandbox) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        fetch_with(sandbox, kind="disconnect")
    assert sandbox.stats()["by_status"] == {"none": 1}


def test_faults_of_points_combine(sandbox: RunningSandbox) -> None:
    truth = values(sandbox.fetch(sandbox.app_ids[0], DAY))
    sandbox.put_faults(
        [
            {"kind": "restate", "factor": 2},
            {"kind": "withhold", "slots": ["00:00"]},
            {"kind": "scale_unit", "unit": "bps"},
        ]
    )
    changed = values(sandbox.fetch(sandbox.app_ids[0], DAY))
    assert changed == {slot: kbps * 2000 for slot, kbps in truth.items() if slot != "00:00"}


@pytest.mark.parametrize("by", ["app", "app_id"])
def test_applies_only_to_its_app_and_day(sandbox: RunningSandbox, by: str) -> None:
    one, other = sandbox.app_ids[:2]
    selected = {"app": 0} if by == "app" else {"app_id": one}
    sandbox.put_faults([{**selected, "usage_date": "2026-11-20", "kind": "status", "status": 500}])
    statuses = [sandbox.fetch(*call).status for call in [(one, DAY), (one, OTHER_DAY), (other, DAY)]]
    assert statuses == [500, 200, 200]


def test_applies_to_every_app_and_day_by_default(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500}])
    assert {sandbox.fetch(a, d).status for a in sandbox.app_ids for d in (DAY, OTHER_DAY)} == {500}


def test_times_counts_requests(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500, "times": 2}])
    assert [sandbox.fetch(sandbox.app_ids[0], DAY).status for _ in range(4)] == [500, 500, 200, 200]


def test_times_per_app_day_counts_each_app_day(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500, "times": 1, "per": "app_day"}])
    calls = [(a, d) for a in sandbox.app_ids[:2] for d in (DAY, OTHER_DAY)]
    assert [sandbox.fetch(*call).status for call in calls + calls] == [500] * 4 + [200] * 4


def test_a_fault_applies_after_credentials_and_date(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500}])
    assert sandbox.request("GET", f"/dev/v2/apps/{sandbox.app_ids[0]}/usages/bandwidth").status == 401
    assert sandbox.fetch(sandbox.app_ids[0], "x").status == 400


def test_an_empty_script_ends_all_faults(sandbox: RunningSandbox) -> None:
    assert fetch_with(sandbox, kind="status", status=500).status == 500
    sandbox.put_faults([])
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 200


INVALID = [
    ({}, "kind"),
    ({"kind": "explode"}, "kind"),
    ({"kind": ["status"]}, "kind"),
    ({"kind": "status"}, "requires the field 'status'"),
    ({"kind": "status", "status": "500"}, "status must be"),
    ({"kind": "status", "status": 99}, "status must be"),
    ({"kind": "status", "status": 500, "colour": 1}, "has no field 'colour'"),
    ({"kind": "status", "status": 500, "headers": {"X": "a\r\nSet-Cookie: b"}}, "headers"),
    ({"kind": "status", "status": 500, "app": 3}, "index below 3"),
    ({"kind": "status", "status": 500, "app": True}, "index"),
    ({"kind": "status", "status": 500, "app_id": "x"}, "App ID"),
    ({"kind": "status", "status": 500, "app_id": [1]}, "App ID"),
    ({"kind": "status", "status": 500, "app": 0, "app_id": "x"}, "not be combined"),
    ({"kind": "status", "status": 500, "usage_date": "20261301"}, "usage_date"),
    ({"kind": "status", "status": 500, "usage_date": 5}, "usage_date"),
    ({"kind": "status", "status": 500, "times": -1}, "times"),
    ({"kind": "status", "status": 500, "per": "day"}, "per"),
    ({"kind": "withhold", "slots": ["00:03"]}, "slots"),
    ({"kind": "withhold", "slots": "00:05"}, "slots"),
    ({"kind": "body"}, "exactly one"),
    ({"kind": "body", "body": "", "body_base64": ""}, "exactly one"),
    ({"kind": "body", "body_base64": "!"}, "Base64"),
    ({"kind": "scale_unit", "unit": "kB"}, "unit"),
    ({"kind": "scale_unit", "to": "bps"}, "has no field 'to'"),
    ({"kind": "restate", "factor": -1}, "factor"),
    ({"kind": "delay", "seconds": float("inf")}, "seconds"),
    ({"kind": "truncate", "bytes": 1.5}, "bytes"),
    ({"kind": "redirect", "location": "http://x\r\ny"}, "headers"),
    *[
        ({"kind": "disconnect", "rate": rate}, "rate must be")
        for rate in (0, -0.1, 1.1, True, "1", float("nan"))
    ],
    ({"kind": "disconnect", "rate": 0.5, "seed": 1.5}, "seed must be"),
    ({"kind": "disconnect", "rate": 0.5, "seed": True}, "seed must be"),
    ({"kind": "disconnect", "seed": 1}, "seed requires rate"),
    ({"kind": "window"}, "requires the field 'window'"),
    *[
        ({"kind": "window", "window": window}, "window must be")
        for window in ("2 months", "0 days", 29, None)
    ],
    ({"kind": "zeros", "value": 0}, "has no field 'value'"),
    ({"kind": "same_as"}, "named by same_as or same_as_app_id"),
    ({"kind": "same_as", "same_as": 0, "same_as_app_id": "x"}, "not by both"),
    *[
        ({"kind": "same_as", "same_as": index}, "same_as must be an index below 3")
        for index in (3, -1, True, "0")
    ],
    ({"kind": "same_as", "same_as_app_id": "x"}, "'x' is not an App ID"),
    ({"kind": "clock"}, "requires the field 'seconds'"),
    *[
        ({"kind": "clock", "seconds": seconds}, "seconds must be")
        for seconds in (True, "1", 1e10, float("inf"))
    ],
    ({"kind": "foreign"}, "requires app or app_id"),
    ({"kind": "foreign", "app_id": ""}, "requires app or app_id"),
    ({"kind": "foreign", "app_id": [1]}, "requires app or app_id"),
    ({"kind": "foreign", "app": 3}, "index below 3"),
    ({"kind": "foreign", "app": 0, "status": 404}, "status must be 401 or 403"),
    ({"kind": "foreign", "app": 0, "usage_date": "2026-11-20"}, "usage_date is not allowed"),
    ({"kind": "foreign", "app": 0, "per": "app_day"}, 'per must be "script"'),
]


@pytest.mark.parametrize(("entry", "expected"), INVALID)
def test_refuses_an_invalid_entry(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(FaultError, match=f"Fault 1: .*{expected}"):
        read_script([{"kind": "disconnect"}, entry], seeded_apps(7, 3))


@pytest.mark.parametrize("script", [None, {}, "x", [1]])
def test_refuses_an_invalid_script(script: object) -> None:
    with pytest.raises(FaultError):
        read_script(script, seeded_apps(7, 3))


def test_a_refused_script_changes_nothing(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500}])
    with pytest.raises(ValueError, match="Fault 0: kind"):
        sandbox.put_faults([{"kind": "explode"}])
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 500


def test_a_script_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"kind": "status", "status": 500}]))
    with running_sandbox(apps=1, faults_file=path) as sandbox:
        assert sandbox.fetch(sandbox.app_ids[0]).status == 500


@pytest.mark.parametrize(("text", "expected"), [("[", "not JSON"), ('[{"kind": "x"}]', "Fault 0")])
def test_an_invalid_file_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", "--faults", str(path)])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err
