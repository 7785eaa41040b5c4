"""Lost answers about a channel: a start that may have arrived is never repeated, an update or a stop is."""

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
from tests.client.lost_responses import LATE, LOSSES, SOUND, lost_then, reset
from tests.client.push_stream_requests import (
    CHANNEL_CALLS,
    CNAME,
    URLS,
    ChannelCall,
    channel_account,
    channel_account_of,
    pushed,
)
from tests.client.raw_server import Behaviour, answer, answers, raw_server
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import RunningSandbox

NOT_PUSHED = answer(404, b'{"error": {"code": 404, "message": "Channel not found"}}')
SOUND_CHANNEL = Channel(CNAME, [], [])
UNREACHED = Timeouts(connect_seconds=0.3)


def called(name: str, behave: Behaviour, timeouts: Timeouts = TIMEOUTS) -> tuple[Channel | VendorError, int]:
    """Return what a call returns or raises, and how many requests it took."""

    async def main() -> tuple[Channel | VendorError, int]:
        async with raw_server(behave) as server:
            try:
                settings = channel_account(server.push_stream_url)
                return await pushed(settings, CHANNEL_CALLS[name], timeouts=timeouts), len(server.received)
            except VendorError as error:
                return error, len(server.received)

    return asyncio.run(main())


@pytest.mark.parametrize("how", LOSSES)
def test_a_start_whose_answer_is_lost_is_one_request_and_its_outcome_unknown(how: str) -> None:
    loss = LOSSES[how]
    error, requests = called("start", lost_then(loss.behave, 1, SOUND), loss.timeouts)
    assert requests == 1
    assert type(error) is OutcomeUnknown
    assert loss.said in str(error)
    assert "The start may have taken effect, so it is not sent again automatically" in str(error)


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("how", LOSSES)
def test_another_call_whose_answer_is_lost_is_asked_again(name: str, how: str) -> None:
    loss = LOSSES[how]
    assert called(name, lost_then(loss.behave, 2, SOUND), loss.timeouts) == (SOUND_CHANNEL, 3)


@pytest.mark.parametrize("name", ["update", "stop"])
@pytest.mark.parametrize("how", ["reset", "cut in the body", "a 500"])
def test_another_call_whose_answers_are_all_lost_is_asked_four_times(name: str, how: str) -> None:
    loss = LOSSES[how]
    error, requests = called(name, lost_then(loss.behave, 9, SOUND), loss.timeouts)
    assert requests == 4
    assert type(error) is VendorUnavailable
    assert loss.said in str(error)
    assert "Repeating this request is safe" in str(error)


@pytest.mark.parametrize("how", LOSSES)
def test_a_stop_whose_answer_is_lost_has_taken_effect_where_the_next_says_404(how: str) -> None:
    loss = LOSSES[how]
    assert called("stop", lost_then(loss.behave, 1, NOT_PUSHED), loss.timeouts) == (SOUND_CHANNEL, 2)


def test_it_has_where_the_404_stands_in_a_200_too() -> None:
    wrapped = answer(200, b'{"error": {"code": 404, "message": "Channel not found"}}')
    assert called("stop", lost_then(reset, 1, wrapped)) == (SOUND_CHANNEL, 2)
    error, _ = called("stop", answers(wrapped))
    assert type(error) is ChannelNotFound


@pytest.mark.parametrize("limited", [0, 1, 2])
def test_a_stop_that_was_never_lost_found_nothing_to_stop(limited: int) -> None:
    error, requests = called("stop", answers(*[answer(429)] * limited, NOT_PUSHED))
    assert type(error) is ChannelNotFound
    assert requests == limited + 1


def test_an_update_whose_answer_is_lost_finds_no_channel_where_the_next_says_404() -> None:
    error, requests = called("update", lost_then(reset, 1, NOT_PUSHED))
    assert type(error) is ChannelNotFound
    assert requests == 2


@pytest.mark.parametrize("limited", [1, 3])
def test_a_start_that_was_turned_away_is_asked_again(limited: int) -> None:
    assert called("start", answers(*[answer(429)] * limited, SOUND)) == (SOUND_CHANNEL, limited + 1)


def test_a_start_that_was_turned_away_and_then_lost_is_not_asked_a_third_time() -> None:
    error, requests = called("start", answers(answer(429), answer(500), SOUND))
    assert type(error) is OutcomeUnknown
    assert requests == 2


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def after_refusals(call: ChannelCall, behave: Behaviour) -> tuple[Channel | VendorError, int, int]:
    """Ask a host that listens only once it has been tried twice.

    Returns:
        What the call returned or raised, how often it was tried, and how many requests came in.
    """
    port = unused_port()
    async with PushStreamClient(channel_account(f"http://127.0.0.1:{port}/api/v1")) as client:
        asking = asyncio.ensure_future(call(client))
        while client.transport.requests < 2 and not asking.done():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0)
        async with raw_server(behave, port=port) as server:
            (outcome,) = await asyncio.gather(asking, return_exceptions=True)
        assert isinstance(outcome, Channel | VendorError)
        return outcome, client.transport.requests, len(server.received)


@pytest.fixture
def _time_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.0, 1.0, 1.0))


@pytest.mark.usefixtures("_time_to_listen")
@pytest.mark.parametrize("name", CHANNEL_CALLS)
def test_a_call_that_did_not_reach_its_host_is_asked_again(name: str) -> None:
    outcome, tries, requests = asyncio.run(after_refusals(CHANNEL_CALLS[name], answers(SOUND)))
    assert outcome == SOUND_CHANNEL
    assert requests == 1
    assert tries > requests


@pytest.mark.usefixtures("_time_to_listen")
def test_a_start_that_reached_its_host_late_is_not_repeated_from_there() -> None:
    outcome, _, requests = asyncio.run(after_refusals(CHANNEL_CALLS["start"], answers(answer(500), SOUND)))
    assert type(outcome) is OutcomeUnknown
    assert requests == 1


@pytest.mark.usefixtures("_time_to_listen")
def test_a_stop_that_did_not_reach_its_host_has_stopped_nothing_where_the_next_says_404() -> None:
    outcome, _, requests = asyncio.run(after_refusals(CHANNEL_CALLS["stop"], answers(NOT_PUSHED)))
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
def test_a_host_that_is_never_reached_is_unavailable(name: str, advice: str) -> None:
    async def main() -> int:
        async with PushStreamClient(channel_account("http://127.0.0.1:1/api/v1")) as client:
            with pytest.raises(VendorUnavailable, match=advice) as raised:
                await CHANNEL_CALLS[name](client)
            assert "no response from http://127.0.0.1:1/api/v1: no connection" in str(raised.value)
            assert raised.value.answer is None
            return client.transport.requests

    assert asyncio.run(main()) == 4


def test_a_start_over_a_connection_that_does_not_come_about_is_tried_four_times() -> None:
    async def main(port: int) -> int:
        settings = channel_account(f"https://127.0.0.1:{port}/api/v1")
        async with PushStreamClient(settings, timeouts=UNREACHED) as client:
            with pytest.raises(VendorUnavailable, match=r"no connection within 0\.3 s\. Nothing was sent"):
                await CHANNEL_CALLS["start"](client)
            return client.transport.requests

    # There is a port that accepts, but TLS gets no further.
    with running_proxy(1, NetworkFault("black-hole")) as proxy:
        assert asyncio.run(main(proxy.port)) == 4


def asked(sandbox: RunningSandbox, call: ChannelCall, timeouts: Timeouts = TIMEOUTS) -> Channel:
    return asyncio.run(pushed(channel_account_of(sandbox, sandbox.app_ids[0]), call, timeouts=timeouts))


# What loses an answer, and the call has taken effect.
LOSING: list[dict[str, Any]] = [
    {"kind": "disconnect"},
    {"kind": "truncate", "bytes": 0},
    {"kind": "truncate", "bytes": 20},
    {"kind": "delay", "seconds": 60},
]


@pytest.mark.parametrize("fault", LOSING, ids=lambda fault: " ".join(map(str, fault.values())))
def test_what_a_lost_start_says_to_do_finds_out_that_it_took_effect(
    sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.put_faults([{**fault, "call": "channel", "times": 1}])
    with pytest.raises(OutcomeUnknown, match="Update the channel with the same urls"):
        asked(sandbox, CHANNEL_CALLS["start"], LATE)
    told = sandbox.channels()
    assert [channel["cname"] for channel in told["channels"]] == [CNAME]
    assert told["starts"] == 1

    assert asked(sandbox, lambda client: client.update(CNAME, urls=URLS)) == Channel(CNAME, [], URLS)
    asked(sandbox, CHANNEL_CALLS["stop"])
    assert sandbox.channels()["channels"] == []


def test_what_a_lost_start_says_to_do_finds_out_that_it_did_not(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "channel", "kind": "status", "status": 500, "times": 1}])
    with pytest.raises(
        OutcomeUnknown, match="404 means that nothing was started, so start the channel again"
    ):
        asked(sandbox, CHANNEL_CALLS["start"])
    assert sandbox.channels()["channels"] == []

    with pytest.raises(ChannelNotFound):
        asked(sandbox, lambda client: client.update(CNAME, urls=URLS))
    assert asked(sandbox, CHANNEL_CALLS["start"]) == Channel(CNAME, [], URLS)


@pytest.mark.parametrize("fault", LOSING[:3], ids=lambda fault: " ".join(map(str, fault.values())))
def test_a_lost_stop_is_a_success_and_stops_once(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    asked(sandbox, CHANNEL_CALLS["start"])
    sandbox.put_faults([{**fault, "call": "channel", "times": 1}])
    assert asked(sandbox, CHANNEL_CALLS["stop"]) == SOUND_CHANNEL
    told = sandbox.channels()
    assert (told["channels"], told["stops"], told["by_status"]["404"]) == ([], 1, 1)
