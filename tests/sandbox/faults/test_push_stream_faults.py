"""Faults of the open-state and channel endpoints: their selection, and the effect of the request."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
import pytest

from sandbox.faults.base import FaultError
from sandbox.faults.script import read_script
from sandbox.traffic.apps import seeded_apps
from tests.sandbox.push_stream.channel_requests import CNAME, failure, push, send, valid_key
from tests.support.sandbox_server import Reply, RunningSandbox

DAY = date(2026, 11, 20)
LOST = (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionResetError)

# Faults that replace the response, with the new status.
REPLACING: list[tuple[dict[str, Any], int]] = [
    ({"kind": "status", "status": 500}, 500),
    ({"kind": "status", "status": 404}, 404),
    ({"kind": "status", "status": 200, "body": {"enable": True}}, 200),
    ({"kind": "body", "body": "<html>"}, 200),
    ({"kind": "redirect", "location": "http://127.0.0.1:9/"}, 302),
]
# Faults that lose the response.
LOSING: list[dict[str, Any]] = [{"kind": "disconnect"}, {"kind": "truncate", "bytes": 5}]


def apply_for_opening(sandbox: RunningSandbox, app: int = 0, method: str = "POST") -> Reply:
    path = f"/dev/v2/apps/{sandbox.app_ids[app]}/pushstream/openstate"
    return sandbox.request(method, path, {"Authorization": sandbox.authorization})


def start(sandbox: RunningSandbox, app: int = 0) -> Reply:
    return push(sandbox, "POST", app=app)


def has_effect(sandbox: RunningSandbox, call: str) -> bool:
    if call == "channel":
        return bool(sandbox.channels()["channels"])
    return any(sandbox.open_states().values())


CALLS = pytest.mark.parametrize(
    ("call", "send_request"), [("open_state", apply_for_opening), ("channel", start)]
)
Send = Callable[..., Reply]


@CALLS
@pytest.mark.parametrize(("fault", "status"), REPLACING)
def test_a_replaced_response_means_no_effect(
    sandbox: RunningSandbox, call: str, send_request: Send, fault: dict[str, Any], status: int
) -> None:
    sandbox.put_faults([fault | {"call": call}])
    assert send_request(sandbox).status == status
    assert not has_effect(sandbox, call)
    sandbox.put_faults([])
    assert send_request(sandbox).status == 200
    assert has_effect(sandbox, call)


@CALLS
@pytest.mark.parametrize("fault", LOSING, ids=str)
def test_a_lost_response_means_an_effect(
    sandbox: RunningSandbox, call: str, send_request: Send, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([fault | {"call": call}])
    with pytest.raises(LOST):
        send_request(sandbox)
    assert has_effect(sandbox, call)


def test_a_second_start_after_a_lost_response_gets_409(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "disconnect", "times": 1}])
    with pytest.raises(LOST):
        start(sandbox)
    assert start(sandbox).status == 409
    counts = sandbox.channels()
    assert (counts["starts"], counts["by_status"]) == (1, {"none": 1, "409": 1})


def test_a_stop_with_a_lost_response_takes_effect(sandbox: RunningSandbox) -> None:
    start(sandbox)
    sandbox.put_faults([{"call": "channel", "kind": "truncate", "bytes": 0, "times": 1}])
    with pytest.raises(LOST):
        push(sandbox, "DELETE")
    assert push(sandbox, "DELETE").status == 404


def test_a_start_takes_effect_before_its_delayed_response(
    sandbox: RunningSandbox,
) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "delay", "seconds": 3600}])
    body = orjson.dumps({"cname": CNAME, "channelkey": valid_key(sandbox)}).decode()
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        head = f"POST /api/v1/channel HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall((head + body).encode())
        while sandbox.channels()["starts"] == 0:
            pass


@CALLS
def test_a_delayed_response_is_true(sandbox: RunningSandbox, call: str, send_request: Send) -> None:
    sandbox.put_faults([{"call": call, "kind": "delay", "seconds": 0.01}])
    assert send_request(sandbox).status == 200
    assert has_effect(sandbox, call)


def test_each_api_has_its_own_error_body(sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [{"call": call, "kind": "status", "status": 500} for call in ("open_state", "channel")]
    )
    message = "A scripted fault returned HTTP 500."
    assert apply_for_opening(sandbox).json() == {"message": message}
    assert start(sandbox).json() == failure(500, message)


def test_the_default_endpoint_is_bandwidth(sandbox: RunningSandbox) -> None:
    def statuses() -> list[int]:
        sandbox.reset_channels()
        replies = [sandbox.fetch(sandbox.app_ids[0], DAY), apply_for_opening(sandbox), start(sandbox)]
        return [reply.status for reply in [*replies, apply_for_opening(sandbox, method="GET")]]

    fault = {"kind": "status", "status": 500}
    expected = {
        "bandwidth": [500, 200, 200, 200],
        "open_state": [200, 500, 200, 500],
        "channel": [200, 200, 500, 200],
    }
    sandbox.put_faults([fault])
    assert statuses() == expected["bandwidth"]
    for call, with_fault in expected.items():
        sandbox.put_faults([fault | {"call": call}])
        assert statuses() == with_fault


@CALLS
def test_a_fault_applies_only_to_its_app(sandbox: RunningSandbox, call: str, send_request: Send) -> None:
    sandbox.put_faults([{"call": call, "app": 1, "kind": "status", "status": 500}])
    assert [send_request(sandbox, app).status for app in (0, 1)] == [200, 500]
    sandbox.put_faults([{"call": call, "app_id": sandbox.app_ids[2], "kind": "status", "status": 500}])
    assert [send_request(sandbox, app).status for app in (2, 1)] == [500, 200]


@CALLS
def test_times_counts_the_requests(sandbox: RunningSandbox, call: str, send_request: Send) -> None:
    sandbox.put_faults([{"call": call, "kind": "status", "status": 503, "times": 2}])
    assert [send_request(sandbox).status for _ in range(3)] == [503, 503, 200]


def test_a_fault_applies_between_the_key_and_the_channel(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 500}])
    bodies = [{}, {"cname": CNAME, "channelkey": "x"}]
    assert [send(sandbox, "DELETE", body).status for body in bodies] == [400, 401]
    assert push(sandbox, "DELETE").status == 500
    assert sandbox.channels()["refused"] == 2, "a fault's response is not a refusal"


@pytest.mark.parametrize("call", ["open_state", "channel"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "withhold", "slots": ["00:00"]}, "applies to bandwidth, not to"),
        ({"kind": "restate", "factor": 2}, "applies to bandwidth, not to"),
        ({"kind": "scale_unit", "unit": "bps"}, "applies to bandwidth, not to"),
        ({"kind": "zeros"}, "applies to bandwidth, not to"),
        ({"kind": "same_as", "same_as": 0}, "applies to bandwidth, not to"),
        ({"kind": "window", "window": "7 days"}, "applies to bandwidth, not to"),
        ({"kind": "disconnect", "usage_date": "2026-11-20"}, "usage_date"),
        ({"kind": "disconnect", "per": "app_day"}, "have no usage date"),
        ({"kind": "disconnect", "per": "day"}, "per must be"),
    ],
)
def test_refuses_a_field_or_kind_for_bandwidth_only(call: str, fault: dict[str, Any], expected: str) -> None:
    with pytest.raises(FaultError, match=rf"Fault 0: .*{expected}.*\.$"):
        read_script([fault | {"call": call}], seeded_apps(7, 1))


@pytest.mark.parametrize("call", ["start", "", None, 1, ["channel"], {}])
def test_refuses_an_unknown_endpoint(call: object) -> None:
    with pytest.raises(FaultError, match="Fault 0: call must be one of bandwidth, open_state, channel"):
        read_script([{"kind": "disconnect", "call": call}], seeded_apps(7, 1))


def test_a_channel_request_cannot_be_foreign() -> None:
    with pytest.raises(FaultError, match="foreign applies to bandwidth and open_state, not to channel"):
        read_script([{"kind": "foreign", "call": "channel", "app": 0}], seeded_apps(7, 1))
