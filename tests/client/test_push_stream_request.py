"""Channel requests on the wire: JSON with a new Channel Key for each try, sent to no other host."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agora.client.channel_key import parse
from agora.errors import SettingsError, UnexpectedResponse
from tests.client.push_stream_requests import (
    APP_CERTIFICATE,
    APP_ID,
    CHANNEL_CALLS,
    CNAME,
    UIDS,
    URLS,
    ChannelCall,
    call_channel,
    channel_account,
)
from tests.client.raw_server import Behaviour, Received, http_response, raw_server, respond_with

SUCCESS = http_response(200, b'{"data": {"cname": "lobby", "uids": [], "urls": []}}')
SUCCEED = respond_with(SUCCESS)
EVERY_CALL = pytest.mark.parametrize("name", CHANNEL_CALLS)

EXACT: dict[str, tuple[ChannelCall, str, dict[str, Any]]] = {
    "start": (CHANNEL_CALLS["start"], "POST", {"cname": CNAME, "urls": URLS}),
    "start without urls": (lambda client: client.start(CNAME), "POST", {"cname": CNAME}),
    "start with a tuple of urls": (
        lambda client: client.start(CNAME, tuple(URLS)),
        "POST",
        {"cname": CNAME, "urls": URLS},
    ),
    "update": (CHANNEL_CALLS["update"], "PUT", {"cname": CNAME, "uids": UIDS, "urls": URLS}),
    "update of urls": (
        lambda client: client.update(CNAME, urls=URLS),
        "PUT",
        {"cname": CNAME, "urls": URLS},
    ),
    "update of uids": (
        lambda client: client.update(CNAME, uids=UIDS),
        "PUT",
        {"cname": CNAME, "uids": UIDS},
    ),
    "update of nothing": (lambda client: client.update(CNAME), "PUT", {"cname": CNAME}),
    "stop": (CHANNEL_CALLS["stop"], "DELETE", {"cname": CNAME}),
}


def requests(call: ChannelCall, behave: Behaviour = SUCCEED, **fields: str) -> list[Received]:
    async def main() -> list[Received]:
        async with raw_server(behave) as server:
            await call_channel(channel_account(server.push_stream_url, **fields), call)
        return server.received

    return asyncio.run(main())


@pytest.mark.parametrize("name", EXACT)
def test_a_call_sends_its_method_and_exactly_its_fields(name: str) -> None:
    call, method, fields = EXACT[name]
    (received,) = requests(call)
    assert received.line == f"{method} /api/v1/channel HTTP/1.1"
    assert received.json() == {**fields, "channelkey": received.json()["channelkey"]}


@EVERY_CALL
def test_the_body_is_json_with_a_content_length(name: str) -> None:
    (received,) = requests(CHANNEL_CALLS[name])
    assert received.header("Content-Type") == "application/json"
    assert received.header("Content-Length") == str(len(received.body))
    assert received.header("Transfer-Encoding") is None
    assert received.header("Accept") == "application/json"
    assert received.header("Accept-Encoding") == "identity"


@EVERY_CALL
def test_the_key_is_the_only_credential(name: str) -> None:
    (received,) = requests(CHANNEL_CALLS[name])
    for header in ("Authorization", "Proxy-Authorization", "Cookie"):
        assert received.header(header) is None
    assert received.json()["channelkey"] not in received.head
    assert APP_CERTIFICATE not in received.head + received.body.decode()


@EVERY_CALL
@pytest.mark.parametrize("cname", [CNAME, " ", "~" * 64, '"\\{}%/'])
def test_the_key_is_signed_for_the_media_channel_and_uid_0(name: str, cname: str) -> None:
    calls: dict[str, ChannelCall] = {
        "start": lambda client: client.start(cname),
        "update": lambda client: client.update(cname, uids=[7]),
        "stop": lambda client: client.stop(cname),
    }
    (received,) = requests(calls[name])
    assert received.json()["cname"] == cname
    key = parse(received.json()["channelkey"])
    assert (key.app_id, key.expired_ts) == (APP_ID, 0)
    assert key.verify(APP_CERTIFICATE, cname, uid=0, service="ACS")
    assert not key.verify(APP_CERTIFICATE, cname, uid=7)
    assert not key.verify(APP_CERTIFICATE, cname, service="ARS")
    assert not key.verify(APP_CERTIFICATE[::-1], cname)


@EVERY_CALL
def test_each_try_has_a_new_key(name: str) -> None:
    tries = (
        [http_response(429)] * 4
        if name == "start"
        else [http_response(429), http_response(503), http_response(429), b"gibberish"]
    )
    received = requests(CHANNEL_CALLS[name], respond_with(*tries, SUCCESS))
    assert len(received) == 5
    keys = [parse(request.json()["channelkey"]) for request in received]
    assert len({key.random for key in keys}) == 5
    assert all(key.verify(APP_CERTIFICATE, CNAME) for key in keys)
    others = [request.json() | {"channelkey": ""} for request in received]
    assert others == [others[0]] * 5


def test_a_trailing_slash_of_the_base_url_is_not_doubled() -> None:
    async def main() -> None:
        async with raw_server(SUCCEED) as server:
            await call_channel(channel_account(f"{server.push_stream_url}/"), CHANNEL_CALLS["stop"])
        assert server.received[0].line == "DELETE /api/v1/channel HTTP/1.1"

    asyncio.run(main())


@EVERY_CALL
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_receives_no_key(name: str, status: int) -> None:
    async def main() -> None:
        async with (
            raw_server(SUCCEED) as elsewhere,
            raw_server(
                respond_with(http_response(status, b"", Location=f"{elsewhere.push_stream_url}/channel"))
            ) as server,
        ):
            with pytest.raises(UnexpectedResponse, match="Redirects are not followed"):
                await call_channel(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            assert len(server.received) == 1
            assert elsewhere.received == []

    asyncio.run(main())


def test_proxies_from_the_environment_receive_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with raw_server(SUCCEED) as proxy, raw_server(SUCCEED) as server:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            for call in CHANNEL_CALLS.values():
                await call_channel(channel_account(server.push_stream_url), call)
            assert (len(proxy.received), len(server.received)) == (0, 3)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda client: client.start(""), "cname"),
        (lambda client: client.stop("x" * 65), "cname"),
        (lambda client: client.update("tab\t"), "cname"),
        (lambda client: client.start(CNAME, ["rtmp://a.example/secret", "https://b.example"]), r"urls\[1\]"),
        (lambda client: client.start(CNAME, "rtmp://a.example/secret"), "urls is not a list"),
        (lambda client: client.update(CNAME, urls=["rtmp://"]), r"urls\[0\]"),
        (lambda client: client.update(CNAME, uids=[1, 0]), r"uids\[1\]"),
    ],
)
def test_an_invalid_request_is_not_sent(call: ChannelCall, names: str) -> None:
    async def main() -> None:
        async with raw_server(SUCCEED) as server:
            with pytest.raises(SettingsError, match=names) as refused:
                await call_channel(channel_account(server.push_stream_url), call)
            assert "secret" not in str(refused.value)
            assert server.max_connections == 0, "no connection was opened"

    asyncio.run(main())
