"""Faults of the open state's and the channels' calls: which they meet, and whether those take effect."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
import pytest

from sandbox.catalogue import seeded_apps
from sandbox.fault import FaultError
from sandbox.fault_script import read_script
from tests.sandbox.pushing import CNAME, failure, good_key, push, send
from tests.support.sandbox_server import Reply, RunningSandbox

DAY = date(2026, 11, 20)
LOST = (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionResetError)

# What takes the place of a call, with the status that comes instead.
INSTEAD: list[tuple[dict[str, Any], int]] = [
    ({"kind": "status", "status": 500}, 500),
    ({"kind": "status", "status": 404}, 404),
    ({"kind": "status", "status": 200, "body": {"enable": True}}, 200),
    ({"kind": "body", "body": "<html>"}, 200),
    ({"kind": "redirect", "location": "http://127.0.0.1:9/"}, 302),
]
# What loses the answer of a call.
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


CALLS = pytest.mark.parametrize(("call", "make"), [("open_state", apply_for_opening), ("channel", start)])
Make = Callable[..., Reply]


@CALLS
@pytest.mark.parametrize(("fault", "status"), INSTEAD)
def test_what_takes_the_place_of_a_call_leaves_it_without_effect(
    sandbox: RunningSandbox, call: str, make: Make, fault: dict[str, Any], status: int
) -> None:
    sandbox.put_faults([fault | {"call": call}])
    assert make(sandbox).status == status
    assert not has_effect(sandbox, call)
    sandbox.put_faults([])
    assert make(sandbox).status == 200
    assert has_effect(sandbox, call)


@CALLS
@pytest.mark.parametrize("fault", LOSING, ids=str)
def test_what_loses_the_answer_lets_the_call_take_effect(
    sandbox: RunningSandbox, call: str, make: Make, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([fault | {"call": call}])
    with pytest.raises(LOST):
        make(sandbox)
    assert has_effect(sandbox, call)


def test_who_starts_again_after_a_lost_answer_meets_the_conflict(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "disconnect", "times": 1}])
    with pytest.raises(LOST):
        start(sandbox)
    assert start(sandbox).status == 409
    told = sandbox.channels()
    assert (told["starts"], told["by_status"]) == (1, {"none": 1, "409": 1})


def test_a_channel_is_stopped_although_the_answer_is_lost(sandbox: RunningSandbox) -> None:
    start(sandbox)
    sandbox.put_faults([{"call": "channel", "kind": "truncate", "bytes": 0, "times": 1}])
    with pytest.raises(LOST):
        push(sandbox, "DELETE")
    assert push(sandbox, "DELETE").status == 404


def test_a_caller_who_does_not_wait_for_a_late_answer_has_started_the_channel(
    sandbox: RunningSandbox,
) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "delay", "seconds": 3600}])
    body = orjson.dumps({"cname": CNAME, "channelkey": good_key(sandbox)}).decode()
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        head = f"POST /api/v1/channel HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall((head + body).encode())
        while sandbox.channels()["starts"] == 0:
            pass


@CALLS
def test_a_late_answer_is_the_truth(sandbox: RunningSandbox, call: str, make: Make) -> None:
    sandbox.put_faults([{"call": call, "kind": "delay", "seconds": 0.01}])
    assert make(sandbox).status == 200
    assert has_effect(sandbox, call)


def test_each_api_fails_in_its_own_words(sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [{"call": call, "kind": "status", "status": 500} for call in ("open_state", "channel")]
    )
    sentence = "A scripted fault returned HTTP 500."
    assert apply_for_opening(sandbox).json() == {"message": sentence}
    assert start(sandbox).json() == failure(500, sentence)


def test_a_fault_meets_the_call_it_names_and_without_a_name_bandwidth(sandbox: RunningSandbox) -> None:
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
    for call, met in expected.items():
        sandbox.put_faults([fault | {"call": call}])
        assert statuses() == met


@CALLS
def test_a_fault_meets_only_its_app(sandbox: RunningSandbox, call: str, make: Make) -> None:
    sandbox.put_faults([{"call": call, "app": 1, "kind": "status", "status": 500}])
    assert [make(sandbox, app).status for app in (0, 1)] == [200, 500]
    sandbox.put_faults([{"call": call, "app_id": sandbox.app_ids[2], "kind": "status", "status": 500}])
    assert [make(sandbox, app).status for app in (2, 1)] == [500, 200]


@CALLS
def test_times_counts_the_calls_it_met(sandbox: RunningSandbox, call: str, make: Make) -> None:
    sandbox.put_faults([{"call": call, "kind": "status", "status": 503, "times": 2}])
    assert [make(sandbox).status for _ in range(3)] == [503, 503, 200]


def test_a_fault_comes_after_the_form_and_the_key_and_before_the_channel(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 500}])
    bodies = [{}, {"cname": CNAME, "channelkey": "x"}]
    assert [send(sandbox, "DELETE", body).status for body in bodies] == [400, 401]
    assert push(sandbox, "DELETE").status == 500
    assert sandbox.channels()["refused"] == 2, "what a fault answers was not refused"


@pytest.mark.parametrize("call", ["open_state", "channel"])
@pytest.mark.parametrize(
    ("fault", "words"),
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
def test_refuses_what_only_bandwidth_has(call: str, fault: dict[str, Any], words: str) -> None:
    with pytest.raises(FaultError, match=rf"Fault 0: .*{words}.*\.$"):
        read_script([fault | {"call": call}], seeded_apps(7, 1))


@pytest.mark.parametrize("call", ["start", "", None, 1, ["channel"], {}])
def test_refuses_a_call_that_the_vendor_does_not_have(call: object) -> None:
    with pytest.raises(FaultError, match="Fault 0: call must be one of bandwidth, open_state, channel"):
        read_script([{"kind": "disconnect", "call": call}], seeded_apps(7, 1))


def test_a_channel_call_cannot_be_foreign() -> None:
    with pytest.raises(FaultError, match="foreign applies to bandwidth and open_state, not to channel"):
        read_script([{"kind": "foreign", "call": "channel", "app": 0}], seeded_apps(7, 1))
