"""The channel calls: starting, updating and stopping a push-stream, and their authorization.

Every channel that a test starts is stopped afterwards. Unless tests may change the account, they stop only
channels with made-up names.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator

import pytest
from pydantic import SecretBytes

from agora.client.push_stream import Channel, PushStreamClient
from agora.errors import ChannelConflict, ChannelKeyRefused, ChannelNotFound
from tests.contract.plain_http import Reply
from tests.contract.push_stream_api import HIDDEN, PushStreamApi

ANOTHER_CERTIFICATE = "0" * 32


@pytest.fixture
def cname() -> str:
    """Return the name of a channel that does not exist."""
    return f"contract-{secrets.token_hex(8)}"


@pytest.fixture
def temporary_cname(push_stream: PushStreamApi, cname: str) -> Iterator[str]:
    """Yield the name of a channel that the test starts, and stop the channel afterwards, if it exists."""
    push_stream.target.require_changes_allowed()
    push_stream.target.require("STREAM_URL")
    yield cname
    with contextlib.suppress(ChannelNotFound):
        push_stream.run(lambda client: client.stop(cname))


def assert_is_failure(reply: Reply, status: int) -> None:
    assert reply.status == status
    assert reply.json()["error"]["code"] == status
    assert isinstance(reply.json()["error"]["message"], str)


def test_an_unknown_channel_cannot_be_stopped(push_stream: PushStreamApi, cname: str) -> None:
    with pytest.raises(ChannelNotFound, match="HTTP 404"):
        push_stream.run(lambda client: client.stop(cname))


def test_a_failure_is_json_with_code_and_message(push_stream: PushStreamApi, cname: str) -> None:
    assert_is_failure(push_stream.send("DELETE", push_stream.body(cname)), 404)


def test_a_key_from_another_certificate_stops_nothing(push_stream: PushStreamApi, cname: str) -> None:
    with pytest.raises(ChannelKeyRefused, match="HTTP 401"):
        push_stream.run(lambda client: client.stop(cname), app_certificate=ANOTHER_CERTIFICATE)


def test_a_key_for_another_channel_is_refused(push_stream: PushStreamApi, cname: str) -> None:
    body = push_stream.body(cname, channelkey=push_stream.key(f"{cname}-2"))
    assert_is_failure(push_stream.send("DELETE", body), 401)


def test_a_body_that_is_not_json_is_invalid(push_stream: PushStreamApi) -> None:
    assert_is_failure(push_stream.send("DELETE", SecretBytes(b"{")), 400)


@pytest.mark.parametrize("given", [{"cname": "contract"}, {"channelkey": "none"}], ids=str)
def test_a_name_and_a_key_are_required(push_stream: PushStreamApi, given: dict[str, str]) -> None:
    # Without one of them, a request is both invalid and unauthorized.
    assert push_stream.send("DELETE", SecretBytes(json.dumps(given).encode())).status in (400, 401)


def test_a_channel_is_started_updated_and_stopped(push_stream: PushStreamApi, temporary_cname: str) -> None:
    started = push_stream.run(lambda client: client.start(temporary_cname, push_stream.urls))
    assert (started.cname, started.urls) == (temporary_cname, [HIDDEN])
    updated = push_stream.run(lambda client: client.update(temporary_cname, urls=push_stream.urls))
    assert updated.urls == [HIDDEN]
    stopped = push_stream.run(lambda client: client.stop(temporary_cname))
    assert stopped.cname == temporary_cname


def test_a_success_is_json_with_data(push_stream: PushStreamApi, temporary_cname: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        body = push_stream.body(temporary_cname, **({} if method == "DELETE" else {"urls": push_stream.urls}))
        reply = push_stream.send(method, body)
        assert reply.status == 200
        data = reply.json()["data"]
        assert isinstance(data["cname"], str)
        if method != "DELETE":
            assert all(type(uid) is int for uid in data["uids"])
            assert all(isinstance(url, str) for url in data["urls"])


def test_a_second_start_succeeds_or_is_a_conflict(push_stream: PushStreamApi, temporary_cname: str) -> None:
    push_stream.run(lambda client: client.start(temporary_cname, push_stream.urls))
    # The document does not state whether a second start of a channel conflicts with the first.
    with contextlib.suppress(ChannelConflict):
        push_stream.run(lambda client: client.start(temporary_cname, push_stream.urls))


def test_an_unknown_channel_cannot_be_updated(push_stream: PushStreamApi, temporary_cname: str) -> None:
    with pytest.raises(ChannelNotFound, match="HTTP 404"):
        push_stream.run(lambda client: client.update(temporary_cname, uids=[1]))


def test_a_key_from_another_certificate_starts_and_updates_nothing(
    push_stream: PushStreamApi, temporary_cname: str
) -> None:
    async def start(client: PushStreamClient) -> Channel:
        return await client.start(temporary_cname, push_stream.urls)

    async def update(client: PushStreamClient) -> Channel:
        return await client.update(temporary_cname, urls=push_stream.urls)

    for call in (start, update):
        with pytest.raises(ChannelKeyRefused, match="HTTP 401"):
            push_stream.run(call, app_certificate=ANOTHER_CERTIFICATE)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_not_json_starts_and_updates_nothing(
    push_stream: PushStreamApi, temporary_cname: str, method: str
) -> None:
    assert_is_failure(push_stream.send(method, SecretBytes(b"{")), 400)
