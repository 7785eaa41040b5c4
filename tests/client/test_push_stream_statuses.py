"""Every status of a channel's call becomes its typed error, which names channel, app and what to do."""

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
    channel_account,
    channel_account_of,
    pushed,
)
from tests.client.raw_server import answer, answers, raw_server
from tests.support.sandbox_server import RunningSandbox, running_sandbox

EVERY_CALL = pytest.mark.parametrize("name", CHANNEL_CALLS)

MEND = "Fix the connection some_channels: login is the App ID and password its App Certificate"
LOOK_FIRST = "Update the channel with the same urls. A 404 means that nothing was started"
HARMLESS = "Repeating this request is safe"
REDIRECTED = "Redirects are not followed. Check the host of the connection some_channels"
UNLISTED = "documents do not list this status. Check the host of the connection some_channels"
# Status, what it is for each call, what to do about it, and where the runbook says more.
REFUSALS: list[tuple[int, type[VendorError], str, str]] = [
    (300, UnexpectedResponse, REDIRECTED, "unexpected-response"),
    (302, UnexpectedResponse, REDIRECTED, "unexpected-response"),
    (304, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (400, RequestInvalid, "Fix the fault described in the vendor's message", "request-invalid"),
    (401, ChannelKeyRefused, MEND, "channel-key-refused"),
    (403, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (404, ChannelNotFound, "No channel with this name is being pushed", "channel-not-found"),
    (409, ChannelConflict, "Update it, stop it, or choose another name", "channel-conflict"),
    (418, UnexpectedResponse, UNLISTED, "unexpected-response"),
]
FAILURES = [500, 502, 503, 504, 599]


def asked(sandbox: RunningSandbox, call: ChannelCall, **fields: str) -> Channel:
    return asyncio.run(pushed(channel_account_of(sandbox, sandbox.app_ids[0], **fields), call))


def refusal(sandbox: RunningSandbox, name: str, status: int) -> VendorError:
    """Return what a call raises that is answered with this status, and see to it that it says so."""
    words = {"error": {"code": status, "message": "words of the vendor"}}
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": words}])
    with pytest.raises(VendorError) as raised:
        asked(sandbox, CHANNEL_CALLS[name])
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
def test_a_refusal_is_a_typed_error_after_one_request(
    sandbox: RunningSandbox, name: str, status: int, kind: type[VendorError], advice: str, entry: str
) -> None:
    error = refusal(sandbox, name, status)
    assert type(error) is kind
    assert advice in str(error)
    assert str(error).endswith(f". See docs/runbook.md#{entry}")
    assert sandbox.channels()["by_status"] == {str(status): 1}


@EVERY_CALL
def test_nothing_but_429s_is_given_up(sandbox: RunningSandbox, name: str, quickly_given_up: None) -> None:
    error = refusal(sandbox, name, 429)
    assert type(error) is RateLimited
    assert str(error).endswith("Wait a minute, then try again. See docs/runbook.md#rate-limited")
    assert sandbox.channels()["by_status"].keys() == {"429"}
    assert 2 < sandbox.channels()["requests"] < 30


@pytest.mark.parametrize("status", FAILURES)
def test_a_start_that_fails_is_not_asked_again_and_its_outcome_unknown(
    sandbox: RunningSandbox, status: int
) -> None:
    error = refusal(sandbox, "start", status)
    assert type(error) is OutcomeUnknown
    assert LOOK_FIRST in str(error)
    assert str(error).endswith("Or stop the channel. See docs/runbook.md#outcome-unknown")
    assert sandbox.channels()["by_status"] == {str(status): 1}


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("status", FAILURES)
def test_another_call_that_fails_is_asked_four_times(sandbox: RunningSandbox, name: str, status: int) -> None:
    error = refusal(sandbox, name, status)
    assert type(error) is VendorUnavailable
    assert str(error).endswith(f"{HARMLESS}. See docs/runbook.md#vendor-unavailable")
    assert sandbox.channels()["by_status"] == {str(status): 4}


@EVERY_CALL
@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_any_2xx_is_a_success(sandbox: RunningSandbox, name: str, status: int) -> None:
    body = {"data": {"cname": CNAME, "uids": UIDS, "urls": URLS}}
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": body}])
    assert asked(sandbox, CHANNEL_CALLS[name]) == Channel(CNAME, UIDS, URLS)
    assert sandbox.channels()["by_status"] == {str(status): 1}


@EVERY_CALL
@pytest.mark.parametrize("status", [204, 205])
def test_a_success_without_a_body_does_not_say_which_channel(name: str, status: int) -> None:
    async def main() -> None:
        async with raw_server(answers(answer(status))) as server:
            with pytest.raises(UnexpectedResponse, match=f"HTTP {status}, but the body has no channel"):
                await pushed(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            assert len(server.received) == 1

    asyncio.run(main())


def test_a_channel_is_started_updated_and_stopped(sandbox: RunningSandbox) -> None:
    assert asked(sandbox, CHANNEL_CALLS["start"]) == Channel(CNAME, [], URLS)
    assert asked(sandbox, lambda client: client.update(CNAME, uids=UIDS)) == Channel(CNAME, UIDS, URLS)
    assert asked(sandbox, lambda client: client.update(CNAME, urls=URLS[:1])) == Channel(
        CNAME, UIDS, URLS[:1]
    )
    (channel,) = sandbox.channels()["channels"]
    assert (channel["app_id"], channel["uids"], channel["urls"]) == (sandbox.app_ids[0], UIDS, URLS[:1])
    assert asked(sandbox, CHANNEL_CALLS["stop"]) == Channel(CNAME, [], [])
    assert sandbox.channels()["channels"] == []
    assert sandbox.channels()["by_status"] == {"200": 4}


def test_what_is_not_pushed_is_neither_updated_nor_stopped(sandbox: RunningSandbox) -> None:
    for name in ("update", "stop"):
        with pytest.raises(ChannelNotFound, match="HTTP 404 from the vendor: Channel not found"):
            asked(sandbox, CHANNEL_CALLS[name])
    assert sandbox.channels()["by_status"] == {"404": 2}


def test_what_is_pushed_is_not_started_again(sandbox: RunningSandbox) -> None:
    asked(sandbox, CHANNEL_CALLS["start"])
    with pytest.raises(ChannelConflict, match="HTTP 409 from the vendor: Conflicted channel names"):
        asked(sandbox, lambda client: client.start(CNAME, URLS[:1]))
    (channel,) = sandbox.channels()["channels"]
    assert channel["urls"] == URLS


@EVERY_CALL
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no message"),
        (b"<html><h1>Conflict</h1></html>", "<html><h1>Conflict</h1></html>"),
        (b"lobby is taken\n", "lobby is taken"),
        (b"null", "null"),
        (b'{"message": "taken"}', "taken"),
        (b'{"error": {}}', '{"error": {}}'),
    ],
    ids=["nothing", "HTML", "plain text", "null", "the other API's", "no message"],
)
def test_a_conflict_whose_body_the_document_does_not_give_is_one_all_the_same(
    name: str, body: bytes, words: str
) -> None:
    async def main() -> None:
        async with raw_server(answers(answer(409, body))) as server:
            with pytest.raises(ChannelConflict) as refused:
                await pushed(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            assert (
                f"HTTP 409 from the vendor: {words}. A channel with this name is already being pushed"
                in str(refused.value)
            )
            assert len(server.received) == 1

    asyncio.run(main())


@EVERY_CALL
def test_another_apps_certificate_is_refused(sandbox: RunningSandbox, name: str) -> None:
    other = sandbox.app_certificate(sandbox.app_ids[1])
    with pytest.raises(ChannelKeyRefused, match="HTTP 401 from the vendor: Unauthorized") as refused:
        asked(sandbox, CHANNEL_CALLS[name], app_certificate=other)
    assert "neither is the Customer ID or Customer Certificate" in str(refused.value)
    assert sandbox.channels()["by_status"] == {"401": 1}
    assert "not by this app" in sandbox.channels()["last_refusal"]["reason"]


def test_an_app_id_in_place_of_the_certificate_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ChannelKeyRefused):
        asked(sandbox, CHANNEL_CALLS["start"], app_certificate=sandbox.app_ids[0])


def test_an_app_of_nobody_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ChannelKeyRefused):
        asked(sandbox, CHANNEL_CALLS["start"], app_id="f" * 32)
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
def test_a_clock_that_is_more_than_five_minutes_wrong_is_named(ahead: int) -> None:
    def ask(minutes: int) -> Channel:
        sandbox.put_clock(datetime.now(UTC) + ahead * timedelta(minutes=minutes))
        return asked(sandbox, CHANNEL_CALLS["start"])

    with running_sandbox(apps=1, quiet=True) as sandbox:
        with pytest.raises(ChannelKeyRefused, match="check this machine's clock: a Channel Key is valid for"):
            ask(6)
        assert "more than 300 seconds" in sandbox.channels()["last_refusal"]["reason"]
        assert ask(4).cname == CNAME


def documented(code: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Unauthorized"}}


@EVERY_CALL
@pytest.mark.parametrize(("status", "code"), [(400, 404), (404, 409), (500, 404), (503, 200)])
def test_where_status_and_code_differ_the_status_counts(
    sandbox: RunningSandbox, name: str, status: int, code: int
) -> None:
    body = documented(code)
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": status, "body": body}])
    with pytest.raises(VendorError, match=f"HTTP {status} from the vendor: Unauthorized") as refused:
        asked(sandbox, CHANNEL_CALLS[name])
    failed = OutcomeUnknown if name == "start" else VendorUnavailable
    assert type(refused.value) is {400: RequestInvalid, 404: ChannelNotFound}.get(status, failed)
