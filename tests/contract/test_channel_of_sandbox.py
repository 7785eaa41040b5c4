"""Channel calls to a sandbox, whose state shows what the product sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from agora.client.push_stream import Channel, PushStreamClient
from agora.errors import (
    ChannelConflict,
    ChannelKeyRefused,
    ChannelNotFound,
    RequestInvalid,
    VendorError,
)
from tests.contract.push_stream_api import PushStreamApi
from tests.support.sandbox_server import RunningSandbox

URLS = ["rtmp://stream.example/1", "rtmps://stream.example/2"]
UIDS = [6496936, 6285261]

CALLS: dict[str, Callable[[PushStreamClient], Awaitable[Channel]]] = {
    "POST": lambda client: client.start("lobby", URLS),
    "PUT": lambda client: client.update("lobby", uids=UIDS),
    "DELETE": lambda client: client.stop("lobby"),
}
DOCUMENTED = [
    *[(method, 400, RequestInvalid) for method in CALLS],
    *[(method, 401, ChannelKeyRefused) for method in CALLS],
    *[(method, 404, ChannelNotFound) for method in ("PUT", "DELETE")],
    ("POST", 409, ChannelConflict),
]


def active_channels(sandbox: RunningSandbox) -> list[tuple[str, list[str], list[int]]]:
    return [
        (channel["cname"], channel["urls"], channel["uids"]) for channel in sandbox.channels()["channels"]
    ]


def test_a_start_sends_channel_and_urls(push_stream: PushStreamApi, sandbox: RunningSandbox) -> None:
    push_stream.run(lambda client: client.start("lobby", URLS))
    assert active_channels(sandbox) == [("lobby", URLS, [])]


def test_a_start_may_omit_the_urls(push_stream: PushStreamApi, sandbox: RunningSandbox) -> None:
    push_stream.run(lambda client: client.start("lobby"))
    assert active_channels(sandbox) == [("lobby", [], [])]


def test_an_update_sends_ordered_hosts_urls_or_both(
    push_stream: PushStreamApi, sandbox: RunningSandbox
) -> None:
    push_stream.run(lambda client: client.start("lobby", URLS))
    push_stream.run(lambda client: client.update("lobby", uids=UIDS))
    assert active_channels(sandbox) == [("lobby", URLS, UIDS)]
    push_stream.run(lambda client: client.update("lobby", urls=URLS[1:]))
    assert active_channels(sandbox) == [("lobby", URLS[1:], UIDS)]
    push_stream.run(lambda client: client.update("lobby", uids=UIDS[::-1], urls=URLS))
    assert active_channels(sandbox) == [("lobby", URLS, UIDS[::-1])]


def test_a_stop_ends_the_push_stream(push_stream: PushStreamApi, sandbox: RunningSandbox) -> None:
    push_stream.run(lambda client: client.start("lobby", URLS))
    push_stream.run(lambda client: client.stop("lobby"))
    assert active_channels(sandbox) == []


@pytest.mark.parametrize(("method", "status", "kind"), DOCUMENTED)
def test_every_documented_refusal_is_a_typed_error(
    push_stream: PushStreamApi, sandbox: RunningSandbox, method: str, status: int, kind: type[VendorError]
) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status}])
    with pytest.raises(VendorError, match=f"Channel lobby, .*HTTP {status}") as refused:
        push_stream.run(CALLS[method])
    assert type(refused.value) is kind


def test_a_second_start_is_a_conflict(push_stream: PushStreamApi, sandbox: RunningSandbox) -> None:
    push_stream.run(CALLS["POST"])
    with pytest.raises(ChannelConflict, match="HTTP 409"):
        push_stream.run(CALLS["POST"])
    assert sandbox.channels()["starts"] == 1


@pytest.mark.parametrize("message", ["Bad Request", "urls: more than 8"])
def test_a_400_shows_its_message(push_stream: PushStreamApi, sandbox: RunningSandbox, message: str) -> None:
    body = {"error": {"code": 400, "message": message}}
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 400, "body": body}])
    with pytest.raises(RequestInvalid, match=message):
        push_stream.run(CALLS["POST"])


def test_the_product_does_not_check_the_open_state(
    push_stream: PushStreamApi, sandbox: RunningSandbox
) -> None:
    assert not any(sandbox.open_states().values())
    push_stream.run(CALLS["POST"])
    assert active_channels(sandbox) == [("lobby", URLS, [])]
    assert sandbox.stats()["requests"] == 0
