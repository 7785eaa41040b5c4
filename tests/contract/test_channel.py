"""The channel calls: what starts, updates and stops pushing a stream, and who may.

Whatever a test starts is stopped after it. Without leave to change anything, only made-up names are stopped.
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
    """Return the name of a channel that nobody has."""
    return f"contract-{secrets.token_hex(8)}"


@pytest.fixture
def to_be_started(push_stream: PushStreamApi, cname: str) -> Iterator[str]:
    """Yield the name of a channel that the test starts; stop it, whatever became of that."""
    push_stream.target.require_leave_to_change()
    push_stream.target.require("STREAM_URL")
    yield cname
    with contextlib.suppress(ChannelNotFound):
        push_stream.ask(lambda client: client.stop(cname))


def assert_is_failure(reply: Reply, status: int) -> None:
    assert reply.status == status
    assert reply.json()["error"]["code"] == status
    assert isinstance(reply.json()["error"]["message"], str)


def test_an_unknown_channel_is_not_stopped(push_stream: PushStreamApi, cname: str) -> None:
    with pytest.raises(ChannelNotFound, match="HTTP 404"):
        push_stream.ask(lambda client: client.stop(cname))


def test_a_failure_is_json_with_code_and_message(push_stream: PushStreamApi, cname: str) -> None:
    assert_is_failure(push_stream.send("DELETE", push_stream.body(cname)), 404)


def test_a_key_of_another_certificate_stops_nothing(push_stream: PushStreamApi, cname: str) -> None:
    with pytest.raises(ChannelKeyRefused, match="HTTP 401"):
        push_stream.ask(lambda client: client.stop(cname), app_certificate=ANOTHER_CERTIFICATE)


def test_a_key_of_another_channel_is_refused(push_stream: PushStreamApi, cname: str) -> None:
    body = push_stream.body(cname, channelkey=push_stream.key(f"{cname}-2"))
    assert_is_failure(push_stream.send("DELETE", body), 401)


def test_what_is_no_json_is_invalid(push_stream: PushStreamApi) -> None:
    assert_is_failure(push_stream.send("DELETE", SecretBytes(b"{")), 400)


@pytest.mark.parametrize("given", [{"cname": "contract"}, {"channelkey": "none"}], ids=str)
def test_a_name_and_a_key_are_required(push_stream: PushStreamApi, given: dict[str, str]) -> None:
    # Who leaves one of them out has sent an invalid request, and is not authorised either.
    assert push_stream.send("DELETE", SecretBytes(json.dumps(given).encode())).status in (400, 401)


def test_a_channel_is_started_updated_and_stopped(push_stream: PushStreamApi, to_be_started: str) -> None:
    started = push_stream.ask(lambda client: client.start(to_be_started, push_stream.urls))
    assert (started.cname, started.urls) == (to_be_started, [HIDDEN])
    updated = push_stream.ask(lambda client: client.update(to_be_started, urls=push_stream.urls))
    assert updated.urls == [HIDDEN]
    stopped = push_stream.ask(lambda client: client.stop(to_be_started))
    assert stopped.cname == to_be_started


def test_a_success_is_json_with_data(push_stream: PushStreamApi, to_be_started: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        body = push_stream.body(to_be_started, **({} if method == "DELETE" else {"urls": push_stream.urls}))
        reply = push_stream.send(method, body)
        assert reply.status == 200
        data = reply.json()["data"]
        assert isinstance(data["cname"], str)
        if method != "DELETE":
            assert all(type(uid) is int for uid in data["uids"])
            assert all(isinstance(url, str) for url in data["urls"])


def test_a_name_that_is_taken_is_a_conflict_at_most(push_stream: PushStreamApi, to_be_started: str) -> None:
    push_stream.ask(lambda client: client.start(to_be_started, push_stream.urls))
    # Whether the second start of a channel is in conflict with the first, the document does not say.
    with contextlib.suppress(ChannelConflict):
        push_stream.ask(lambda client: client.start(to_be_started, push_stream.urls))


def test_an_unknown_channel_is_not_updated(push_stream: PushStreamApi, to_be_started: str) -> None:
    with pytest.raises(ChannelNotFound, match="HTTP 404"):
        push_stream.ask(lambda client: client.update(to_be_started, uids=[1]))


def test_a_key_of_another_certificate_starts_and_updates_nothing(
    push_stream: PushStreamApi, to_be_started: str
) -> None:
    async def start(client: PushStreamClient) -> Channel:
        return await client.start(to_be_started, push_stream.urls)

    async def update(client: PushStreamClient) -> Channel:
        return await client.update(to_be_started, urls=push_stream.urls)

    for call in (start, update):
        with pytest.raises(ChannelKeyRefused, match="HTTP 401"):
            push_stream.ask(call, app_certificate=ANOTHER_CERTIFICATE)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_is_no_json_starts_and_updates_nothing(
    push_stream: PushStreamApi, to_be_started: str, method: str
) -> None:
    assert_is_failure(push_stream.send(method, SecretBytes(b"{")), 400)
