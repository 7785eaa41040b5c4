"""Lost responses to channel calls: a start that may have arrived is never repeated, updates and stops are."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from agora.client import retries
from agora.client.push_stream import Channel, PushStreamClient
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import ChannelNotFound, OutcomeUnknown, VendorError, VendorUnavailable
from sandbox.proxy import NetworkFault
from tests.client.lost_responses import LATE, LOSSES, SUCCESS, lost_then, reset
from tests.client.push_stream_requests import (
    CHANNEL_CALLS,
    CNAME,
    URLS,
    ChannelCall,
    call_channel,
    channel_account,
    channel_account_of,
)
from tests.client.raw_server import Behaviour, http_response, raw_server, respond_with
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import RunningSandbox

NOT_FOUND = http_response(404, b'{"error": {"code": 404, "message": "Channel not found"}}')
CHANNEL = Channel(CNAME, [], [])
SHORT_CONNECT = Timeouts(connect_seconds=0.3)


def outcome_and_requests(
    name: str, behave: Behaviour, timeouts: Timeouts = TIMEOUTS
) -> tuple[Channel | VendorError, int]:
    """Return the result or error of a call, and the number of its requests."""

    async def main() -> tuple[Channel | VendorError, int]:
        async with raw_server(behave) as server:
            try:
                settings = channel_account(server.push_stream_url)
                return await call_channel(settings, CHANNEL_CALLS[name], timeouts=timeouts), len(
                    server.received
                )
            except VendorError as error:
                return error, len(server.received)

    return asyncio.run(main())


@pytest.mark.parametrize("how", LOSSES)
def test_a_start_with_a_lost_response_is_not_repeated_and_its_outcome_is_unknown(how: str) -> None:
    loss = LOSSES[how]
    error, requests = outcome_and_requests("start", lost_then(loss.behave, 1, SUCCESS), loss.timeouts)
    assert requests == 1
    assert type(error) is OutcomeUnknown
    assert loss.error_text in str(error)
    assert "The start may have taken effect, so it is not sent again automatically" in str(error)


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("how", LOSSES)
def test_an_update_or_stop_with_a_lost_response_is_retried(name: str, how: str) -> None:
    loss = LOSSES[how]
    assert outcome_and_requests(name, lost_then(loss.behave, 2, SUCCESS), loss.timeouts) == (CHANNEL, 3)


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("how", ["reset", "cut in the body", "a 500"])
def test_an_update_or_stop_that_gets_no_response_is_sent_four_times(name: str, how: str) -> None:
    loss = LOSSES[how]
    error, requests = outcome_and_requests(name, lost_then(loss.behave, 9, SUCCESS), loss.timeouts)
    assert requests == 4
    assert type(error) is VendorUnavailable
    assert loss.error_text in str(error)
    assert "Repeating this request is safe" in str(error)


@pytest.mark.parametrize("how", LOSSES)
def test_a_404_after_a_lost_stop_means_that_the_stop_took_effect(how: str) -> None:
    loss = LOSSES[how]
    assert outcome_and_requests("stop", lost_then(loss.behave, 1, NOT_FOUND), loss.timeouts) == (CHANNEL, 2)


def test_a_404_within_a_200_after_a_lost_stop_means_the_same() -> None:
    wrapped = http_response(200, b'{"error": {"code": 404, "message": "Channel not found"}}')
    assert outcome_and_requests("stop", lost_then(reset, 1, wrapped)) == (CHANNEL, 2)
    error, _ = outcome_and_requests("stop", respond_with(wrapped))
    assert type(error) is ChannelNotFound


@pytest.mark.parametrize("limited", [0, 1, 2])
def test_a_404_without_a_lost_stop_means_that_there_is_no_channel(limited: int) -> None:
    error, requests = outcome_and_requests("stop", respond_with(*[http_response(429)] * limited, NOT_FOUND))
    assert type(error) is ChannelNotFound
    assert requests == limited + 1


def test_a_404_after_a_lost_update_means_that_there_is_no_channel() -> None:
    error, requests = outcome_and_requests("update", lost_then(reset, 1, NOT_FOUND))
    assert type(error) is ChannelNotFound
    assert requests == 2


@pytest.mark.parametrize("limited", [1, 3])
def test_a_throttled_start_is_retried(limited: int) -> None:
    assert outcome_and_requests("start", respond_with(*[http_response(429)] * limited, SUCCESS)) == (
        CHANNEL,
        limited + 1,
    )


def test_a_start_that_is_throttled_and_then_lost_is_not_repeated() -> None:
    error, requests = outcome_and_requests(
        "start", respond_with(http_response(429), http_response(500), SUCCESS)
    )
    assert type(error) is OutcomeUnknown
    assert requests == 2


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def call_before_listening(
    call: ChannelCall, behave: Behaviour
) -> tuple[Channel | VendorError, int, int]:
    """Call a host that listens only after the second try.

    Returns:
        The result or error of the call, the number of tries, and the number of requests received.
    """
    port = unused_port()
    async with PushStreamClient(channel_account(f"http://127.0.0.1:{port}/api/v1")) as client:
        task = asyncio.ensure_future(call(client))
        while client.transport.requests < 2 and not task.done():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        async with raw_server(behave, port=port) as server:
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, Channel | VendorError)
        return outcome, client.transport.requests, len(server.received)


@pytest.fixture
def _time_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.0, 1.0, 1.0))


@pytest.mark.usefixtures("_time_to_listen")
@pytest.mark.parametrize("name", CHANNEL_CALLS)
def test_a_call_that_did_not_reach_its_host_is_retried(name: str) -> None:
    outcome, tries, requests = asyncio.run(call_before_listening(CHANNEL_CALLS[name], respond_with(SUCCESS)))
    assert outcome == CHANNEL
    assert requests == 1
    assert tries > requests


@pytest.mark.usefixtures("_time_to_listen")
def test_a_start_is_not_repeated_after_it_reached_its_host() -> None:
    outcome, _, requests = asyncio.run(
        call_before_listening(CHANNEL_CALLS["start"], respond_with(http_response(500), SUCCESS))
    )
    assert type(outcome) is OutcomeUnknown
    assert requests == 1


@pytest.mark.usefixtures("_time_to_listen")
def test_a_404_after_a_stop_that_did_not_reach_its_host_means_that_there_is_no_channel() -> None:
    outcome, _, requests = asyncio.run(call_before_listening(CHANNEL_CALLS["stop"], respond_with(NOT_FOUND)))
    assert type(outcome) is ChannelNotFound
    assert requests == 1


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("start", "Nothing was sent. Try again when the host is reachable"),
        ("update", "Repeating this request is safe"),
        ("stop", "Repeating this request is safe"),
    ],
)
def test_an_unreachable_host_is_unavailable(name: str, advice: str) -> None:
    async def main() -> int:
        async with PushStreamClient(channel_account("http://127.0.0.1:1/api/v1")) as client:
            with pytest.raises(VendorUnavailable, match=advice) as raised:
                await CHANNEL_CALLS[name](client)
            assert "no response from http://127.0.0.1:1/api/v1: no connection" in str(raised.value)
            assert raised.value.answer is None
            return client.transport.requests

    assert asyncio.run(main()) == 4


def test_a_start_without_a_connection_is_tried_four_times() -> None:
    async def main(port: int) -> int:
        settings = channel_account(f"https://127.0.0.1:{port}/api/v1")
        async with PushStreamClient(settings, timeouts=SHORT_CONNECT) as client:
            with pytest.raises(VendorUnavailable, match=r"no connection within 0\.3 s\. Nothing was sent"):
                await CHANNEL_CALLS["start"](client)
            return client.transport.requests

    # The port accepts connections, but the TLS handshake never ends.
    with running_proxy(1, NetworkFault("black-hole")) as proxy:
        assert asyncio.run(main(proxy.port)) == 4


def call_sandbox(sandbox: RunningSandbox, call: ChannelCall, timeouts: Timeouts = TIMEOUTS) -> Channel:
    return asyncio.run(call_channel(channel_account_of(sandbox, sandbox.app_ids[0]), call, timeouts=timeouts))


# Faults that lose the response after the call has taken effect.
LOSING_FAULTS: list[dict[str, Any]] = [
    {"kind": "disconnect"},
    {"kind": "truncate", "bytes": 0},
    {"kind": "truncate", "bytes": 20},
    {"kind": "delay", "seconds": 60},
]


@pytest.mark.parametrize("fault", LOSING_FAULTS, ids=lambda fault: " ".join(map(str, fault.values())))
def test_the_advice_for_a_lost_start_reveals_that_it_took_effect(
    sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([{**fault, "call": "channel", "times": 1}])
    with pytest.raises(OutcomeUnknown, match="Update the channel with the same urls"):
        call_sandbox(sandbox, CHANNEL_CALLS["start"], LATE)
    state = sandbox.channels()
    assert [channel["cname"] for channel in state["channels"]] == [CNAME]
    assert state["starts"] == 1

    assert call_sandbox(sandbox, lambda client: client.update(CNAME, urls=URLS)) == Channel(CNAME, [], URLS)
    call_sandbox(sandbox, CHANNEL_CALLS["stop"])
    assert sandbox.channels()["channels"] == []


def test_the_advice_for_a_lost_start_reveals_that_it_had_no_effect(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 500, "times": 1}])
    with pytest.raises(
        OutcomeUnknown, match="404 means that nothing was started, so start the channel again"
    ):
        call_sandbox(sandbox, CHANNEL_CALLS["start"])
    assert sandbox.channels()["channels"] == []

    with pytest.raises(ChannelNotFound):
        call_sandbox(sandbox, lambda client: client.update(CNAME, urls=URLS))
    assert call_sandbox(sandbox, CHANNEL_CALLS["start"]) == Channel(CNAME, [], URLS)


@pytest.mark.parametrize("fault", LOSING_FAULTS[:3], ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_lost_stop_succeeds_and_takes_effect_once(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    call_sandbox(sandbox, CHANNEL_CALLS["start"])
    sandbox.put_faults([{**fault, "call": "channel", "times": 1}])
    assert call_sandbox(sandbox, CHANNEL_CALLS["stop"]) == CHANNEL
    state = sandbox.channels()
    assert (state["channels"], state["stops"], state["by_status"]["404"]) == ([], 1, 1)
