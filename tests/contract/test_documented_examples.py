"""The product decodes the example responses in the vendor's documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from agora.bandwidth.decode import decode
from agora.client.push_stream import Channel, PushStreamClient
from agora.errors import ChannelKeyRefused, ChannelNotFound, RequestInvalid, VendorError
from tests.contract.dashboard_api import DashboardApi
from tests.contract.push_stream_api import PushStreamApi
from tests.support.sandbox_server import RunningSandbox

A_DAY = date(2018, 8, 7)
URLS = ["rtmp://agora.io/stream1", "rtmp://agora.io/stream2"]
UIDS = [6496936, 6285261]

CALLS: dict[str, Callable[[PushStreamClient], Any]] = {
    "start": lambda client: client.start("channel", URLS),
    "update": lambda client: client.update("channel", uids=UIDS, urls=URLS),
    "stop": lambda client: client.stop("channel"),
}


def set_response(sandbox: RunningSandbox, call: str, content: Any, status: int = 200) -> None:
    body = json.dumps(content)
    sandbox.put_faults([{"call": call, "kind": "status", "status": status, "body": body}])


def test_a_day(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    # The document shows these points, with dots between the second and the last.
    points = {"00:00": 100, "00:05": 200, "23:55": 100}
    set_response(sandbox, "bandwidth", {"date": "2018-08-07", "unit": "kbps", "value": points})
    received = dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY))
    kbps = decode(received.body, A_DAY).tolist()
    assert [kbps[0], kbps[1], kbps[-1]] == [100, 200, 100]


def test_a_successful_application(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    set_response(sandbox, "open_state", {"enable": True})
    assert dashboard.run(lambda client: client.apply_for_push_stream(dashboard.app_id)) is True


def test_a_closed_state(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    set_response(sandbox, "open_state", {"enable": False})
    assert dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id)) is False


@pytest.mark.parametrize(
    ("call", "data", "channel"),
    [
        ("start", {"cname": "channel", "uids": UIDS, "urls": URLS}, Channel("channel", UIDS, URLS)),
        # The example response names another channel than the request.
        ("update", {"cname": "channel1", "uids": UIDS, "urls": URLS}, Channel("channel1", UIDS, URLS)),
        ("stop", {"cname": "channel"}, Channel("channel", [], [])),
    ],
)
def test_a_channel(
    push_stream: PushStreamApi, sandbox: RunningSandbox, call: str, data: dict[str, Any], channel: Channel
) -> None:
    set_response(sandbox, "channel", {"data": data})
    assert push_stream.run(CALLS[call]) == channel


@pytest.mark.parametrize(
    ("code", "message", "kind", "calls"),
    [
        (400, "Invalid request parameter", RequestInvalid, ["start", "update", "stop"]),
        (401, "Unauthorized", ChannelKeyRefused, ["start", "update", "stop"]),
        (404, "Channel not found", ChannelNotFound, ["update", "stop"]),
    ],
)
def test_a_failure(
    push_stream: PushStreamApi,
    sandbox: RunningSandbox,
    code: int,
    message: str,
    kind: type[VendorError],
    calls: list[str],
) -> None:
    set_response(sandbox, "channel", {"error": {"code": code, "message": message}}, code)
    for call in calls:
        with pytest.raises(kind, match=f"HTTP {code} from the vendor: {message}"):
            push_stream.run(CALLS[call])
