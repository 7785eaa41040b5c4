"""Statuses of channel calls: errors are typed, and name the channel, the app and a remedy."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agora.client.push_stream import Channel, PushStreamClient
from agora.errors import (
    ChannelConflict,
    ChannelKeyRefused,
    ChannelNotFound,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    VendorError,
    VendorUnavailable,
)
from tests.client.push_stream_requests import (
    CHANNEL_CALLS,
    CNAME,
    UIDS,
    URLS,
    ChannelCall,
    call_channel,
    channel_account,
    channel_account_of,
)
from tests.client.raw_server import http_response, raw_server, respond_with
from tests.support.sandbox_server import RunningSandbox, running_sandbox

EVERY_CALL = pytest.mark.parametrize("name", CHANNEL_CALLS)

FIX_CONNECTION = "Fix the connection some_channels: login is the App ID and password its App Certificate"
UPDATE_FIRST = "Update the channel with the same urls. A 404 means that nothing was started"
SAFE_TO_REPEAT = "Repeating this request is safe"
REDIRECTED = "Redirects are not followed. Check the host of the connection some_channels"
UNLISTED = "documents do not list this status. Check the host of the connection some_channels"
# Status, error class for each call, advice, and runbook entry.
REFUSALS: list[tuple[int, type[VendorError], str, str]] = [
    (300, UnexpectedResponse, REDIRECTED, "unexpected-response"),
    (302, UnexpectedResponse, REDIRECTED, "unexpected-response"),
    (304, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (400, RequestInvalid, "Fix the fault described in the vendor's message", "request-invalid"),
    (401, ChannelKeyRefused, FIX_CONNECTION, "channel-key-refused"),
    (403, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (404, ChannelNotFound, "No channel with this name is being pushed", "channel-not-found"),
    (409, ChannelConflict, "Update it, stop it, or choose another name", "channel-conflict"),
    (418, UnexpectedResponse, UNLISTED, "unexpected-response"),
]
FAILURES = [500, 502, 503, 504, 599]


def call_sandbox(sandbox: RunningSandbox, call: ChannelCall, **fields: str) -> Channel:
    return asyncio.run(call_channel(channel_account_of(sandbox, sandbox.app_ids[0], **fields), call))


def refusal(sandbox: RunningSandbox, name: str, status: int) -> VendorError:
    """Return the error that a call raises for a status, and check the beginning of its text."""
    message = {"error": {"code": status, "message": "words of the vendor"}}
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": message}])
    with pytest.raises(VendorError) as raised:
        call_sandbox(sandbox, CHANNEL_CALLS[name])
    error, app_id = raised.value, sandbox.app_ids[0]
    assert str(error).startswith(
        f"Channel lobby, App {app_id}, connection some_channels: HTTP {status} from the vendor: "
        + ("no message. " if status == 304 else "words of the vendor")  # a 304 has no body
    )
    assert error.app_id == app_id
    assert error.answer is not None
    assert error.answer.status == status
    return error


@EVERY_CALL
@pytest.mark.parametrize(("status", "kind", "advice", "entry"), REFUSALS)
def test_a_refusal_raises_its_typed_error_after_one_request(
    sandbox: RunningSandbox, name: str, status: int, kind: type[VendorError], advice: str, entry: str
) -> None:
    error = refusal(sandbox, name, status)
    assert type(error) is kind
    assert advice in str(error)
    assert str(error).endswith(f". See docs/runbook.md#{entry}")
    assert sandbox.channels()["by_status"] == {str(status): 1}


@EVERY_CALL
def test_persistent_429s_are_given_up(sandbox: RunningSandbox, name: str, short_give_up: None) -> None:
    error = refusal(sandbox, name, 429)
    assert type(error) is RateLimited
    assert str(error).endswith("Wait a minute, then try again. See docs/runbook.md#rate-limited")
    assert sandbox.channels()["by_status"].keys() == {"429"}
    assert 2 < sandbox.channels()["requests"] < 30


@pytest.mark.parametrize("status", FAILURES)
def test_a_failed_start_is_not_repeated_and_its_outcome_is_unknown(
    sandbox: RunningSandbox, status: int
) -> None:
    error = refusal(sandbox, "start", status)
    assert type(error) is OutcomeUnknown
    assert UPDATE_FIRST in str(error)
    assert str(error).endswith("Alternatively, stop the channel. See docs/runbook.md#outcome-unknown")
    assert sandbox.channels()["by_status"] == {str(status): 1}


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("status", FAILURES)
def test_a_failing_update_or_stop_is_sent_four_times(sandbox: RunningSandbox, name: str, status: int) -> None:
    error = refusal(sandbox, name, status)
    assert type(error) is VendorUnavailable
    assert str(error).endswith(f"{SAFE_TO_REPEAT}. See docs/runbook.md#vendor-unavailable")
    assert sandbox.channels()["by_status"] == {str(status): 4}


@EVERY_CALL
@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_any_2xx_is_a_success(sandbox: RunningSandbox, name: str, status: int) -> None:
    body = {"data": {"cname": CNAME, "uids": UIDS, "urls": URLS}}
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": body}])
    assert call_sandbox(sandbox, CHANNEL_CALLS[name]) == Channel(CNAME, UIDS, URLS)
    assert sandbox.channels()["by_status"] == {str(status): 1}


@EVERY_CALL
@pytest.mark.parametrize("status", [204, 205])
def test_a_success_without_a_body_is_unexpected(name: str, status: int) -> None:
    async def main() -> None:
        async with raw_server(respond_with(http_response(status))) as server:
            with pytest.raises(UnexpectedResponse, match=f"HTTP {status}, but the body has no channel"):
                await call_channel(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            assert len(server.received) == 1

    asyncio.run(main())


def test_a_channel_is_started_updated_and_stopped(sandbox: RunningSandbox) -> None:
    assert call_sandbox(sandbox, CHANNEL_CALLS["start"]) == Channel(CNAME, [], URLS)
    assert call_sandbox(sandbox, lambda client: client.update(CNAME, uids=UIDS)) == Channel(CNAME, UIDS, URLS)
    assert call_sandbox(sandbox, lambda client: client.update(CNAME, urls=URLS[:1])) == Channel(
        CNAME, UIDS, URLS[:1]
    )
    (channel,) = sandbox.channels()["channels"]
    assert (channel["app_id"], channel["uids"], channel["urls"]) == (sandbox.app_ids[0], UIDS, URLS[:1])
    assert call_sandbox(sandbox, CHANNEL_CALLS["stop"]) == Channel(CNAME, [], [])
    assert sandbox.channels()["channels"] == []
    assert sandbox.channels()["by_status"] == {"200": 4}


def test_an_inactive_channel_cannot_be_updated_or_stopped(sandbox: RunningSandbox) -> None:
    for name in ("update", "stop"):
        with pytest.raises(ChannelNotFound, match="HTTP 404 from the vendor: Channel not found"):
            call_sandbox(sandbox, CHANNEL_CALLS[name])
    assert sandbox.channels()["by_status"] == {"404": 2}


def test_an_active_channel_cannot_be_started_again(sandbox: RunningSandbox) -> None:
    call_sandbox(sandbox, CHANNEL_CALLS["start"])
    with pytest.raises(ChannelConflict, match="HTTP 409 from the vendor: Conflicted channel names"):
        call_sandbox(sandbox, lambda client: client.start(CNAME, URLS[:1]))
    (channel,) = sandbox.channels()["channels"]
    assert channel["urls"] == URLS


@EVERY_CALL
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no message"),
        (b"<html><h1>Conflict</h1></html>", "<html><h1>Conflict</h1></html>"),
        (b"lobby is taken\n", "lobby is taken"),
        (b"null", "null"),
        (b'{"message": "taken"}', "taken"),
        (b'{"error": {}}', '{"error": {}}'),
    ],
    ids=["empty", "HTML", "plain text", "null", "the other API's format", "no message"],
)
def test_a_409_with_an_undocumented_body_is_a_conflict(name: str, body: bytes, message: str) -> None:
    async def main() -> None:
        async with raw_server(respond_with(http_response(409, body))) as server:
            with pytest.raises(ChannelConflict) as refused:
                await call_channel(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            assert (
                f"HTTP 409 from the vendor: {message}. A channel with this name is already being pushed"
                in str(refused.value)
            )
            assert len(server.received) == 1

    asyncio.run(main())


@EVERY_CALL
def test_another_apps_certificate_is_refused(sandbox: RunningSandbox, name: str) -> None:
    other = sandbox.app_certificate(sandbox.app_ids[1])
    with pytest.raises(ChannelKeyRefused, match="HTTP 401 from the vendor: Unauthorized") as refused:
        call_sandbox(sandbox, CHANNEL_CALLS[name], app_certificate=other)
    assert "neither is the Customer ID or Customer Certificate" in str(refused.value)
    assert sandbox.channels()["by_status"] == {"401": 1}
    assert "not by this app" in sandbox.channels()["last_refusal"]["reason"]


def test_an_app_id_in_place_of_the_certificate_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ChannelKeyRefused):
        call_sandbox(sandbox, CHANNEL_CALLS["start"], app_certificate=sandbox.app_ids[0])


def test_an_unknown_app_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ChannelKeyRefused):
        call_sandbox(sandbox, CHANNEL_CALLS["start"], app_id="f" * 32)
    assert "not in this account" in sandbox.channels()["last_refusal"]["reason"]


def test_a_401_is_the_response_to_one_call_only(sandbox: RunningSandbox) -> None:
    async def twice() -> Channel:
        async with PushStreamClient(channel_account_of(sandbox, sandbox.app_ids[0])) as client:
            with pytest.raises(ChannelKeyRefused, match="HTTP 401"):
                await client.start(CNAME, URLS)
            return await client.start(CNAME, URLS)

    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 401, "times": 1}])
    assert asyncio.run(twice()).cname == CNAME
    assert sandbox.channels()["requests"] == 2


@pytest.mark.parametrize("ahead", [1, -1], ids=["the vendor's clock ahead", "this machine's clock ahead"])
def test_the_error_names_a_clock_that_is_off_by_more_than_five_minutes(ahead: int) -> None:
    def start(minutes: int) -> Channel:
        sandbox.put_clock(datetime.now(UTC) + ahead * timedelta(minutes=minutes))
        return call_sandbox(sandbox, CHANNEL_CALLS["start"])

    with running_sandbox(apps=1, quiet=True) as sandbox:
        with pytest.raises(ChannelKeyRefused, match="check this machine's clock: a Channel Key is valid for"):
            start(6)
        assert "more than 300 seconds" in sandbox.channels()["last_refusal"]["reason"]
        assert start(4).cname == CNAME


def error_body(code: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Unauthorized"}}


@EVERY_CALL
@pytest.mark.parametrize(("status", "code"), [(400, 404), (404, 409), (500, 404), (503, 200)])
def test_the_status_takes_precedence_over_the_code_in_the_body(
    sandbox: RunningSandbox, name: str, status: int, code: int
) -> None:
    body = error_body(code)
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": body}])
    with pytest.raises(VendorError, match=f"HTTP {status} from the vendor: Unauthorized") as refused:
        call_sandbox(sandbox, CHANNEL_CALLS[name])
    failed = OutcomeUnknown if name == "start" else VendorUnavailable
    assert type(refused.value) is {400: RequestInvalid, 404: ChannelNotFound}.get(status, failed)
