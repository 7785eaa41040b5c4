"""The push-stream API: what starts, changes and stops a channel, and in which words the rest is refused."""

from __future__ import annotations

import gzip
import socket
from typing import Any

import pytest

from tests.sandbox.pushing import (
    BAD_REQUEST,
    CNAME,
    CONFLICT,
    NOT_FOUND,
    UNAUTHORIZED,
    URLS,
    failure,
    good_key,
    push,
    send,
)
from tests.support.sandbox_server import RunningSandbox

METHODS = ["POST", "PUT", "DELETE"]


def pushed(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.channels()["channels"])


def test_starts_updates_and_stops(sandbox: RunningSandbox) -> None:
    started = push(sandbox, "POST", urls=URLS)
    assert started.status == 200
    assert started.headers["content-type"] == "application/json"
    assert started.json() == {"data": {"cname": CNAME, "uids": [], "urls": URLS}}
    (channel,) = pushed(sandbox)
    assert channel["started_at"].startswith("2026-11-22T12:0")
    assert abs(channel["key_age_seconds"]) <= 300
    assert (channel["app_id"], channel["cname"], channel["urls"]) == (sandbox.app_ids[0], CNAME, URLS)
    updated = push(sandbox, "PUT", uids=[6496936, 6285261], urls=URLS[:1])
    assert updated.json() == {"data": {"cname": CNAME, "uids": [6496936, 6285261], "urls": URLS[:1]}}
    stopped = push(sandbox, "DELETE")
    assert (stopped.status, stopped.json()) == (200, {"data": {"cname": CNAME}})
    told = sandbox.channels()
    assert told["channels"] == []
    assert (told["starts"], told["updates"], told["stops"], told["refused"]) == (1, 1, 1, 0)
    assert (told["requests"], told["by_status"], told["last_refusal"]) == (3, {"200": 3}, None)


def test_is_served_where_the_helper_says(sandbox: RunningSandbox) -> None:
    path = sandbox.push_stream_url.removeprefix(sandbox.root_url) + "/channel"
    body = f'{{"cname": "lobby", "channelkey": "{good_key(sandbox)}"}}'
    assert sandbox.request("POST", path, None, body.encode()).status == 200


def test_an_update_leaves_what_it_does_not_name(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST", urls=URLS)
    bodies: list[dict[str, Any]] = [{"uids": [2, 1]}, {"urls": URLS[1:]}, {}, {"uids": []}, {"urls": []}]
    told = [push(sandbox, "PUT", **body).json()["data"] for body in bodies]
    assert [channel["uids"] for channel in told] == [[2, 1], [2, 1], [2, 1], [], []]
    assert [channel["urls"] for channel in told] == [URLS, URLS[1:], URLS[1:], URLS[1:], []]


def test_a_channel_can_do_without_addresses(sandbox: RunningSandbox) -> None:
    assert push(sandbox, "POST").json()["data"]["urls"] == []


def test_refuses_to_start_what_is_pushed_already(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST", urls=URLS)
    again = push(sandbox, "POST", urls=[])
    assert (again.status, again.json()) == (409, CONFLICT)
    assert pushed(sandbox)[0]["urls"] == URLS
    push(sandbox, "DELETE")
    assert push(sandbox, "POST").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_does_not_find_what_is_not_pushed(sandbox: RunningSandbox, method: str) -> None:
    push(sandbox, "POST")
    reply = push(sandbox, method, CNAME.upper())
    assert (reply.status, reply.json()) == (404, NOT_FOUND)
    assert len(pushed(sandbox)) == 1


def test_every_app_has_channels_of_its_own(sandbox: RunningSandbox) -> None:
    assert push(sandbox, "POST", app=0, urls=URLS).status == 200
    assert push(sandbox, "POST", app=1).status == 200
    assert push(sandbox, "DELETE", app=1).status == 200
    assert [channel["app_id"] for channel in pushed(sandbox)] == sandbox.app_ids[:1]


@pytest.mark.parametrize("cname", ["x", " ", "x" * 64, "~!\"\\/'<b>%00"])
def test_takes_any_printable_name(sandbox: RunningSandbox, cname: str) -> None:
    assert push(sandbox, "POST", cname).json()["data"]["cname"] == cname


WRONG: list[Any] = [
    {},
    {"cname": None},
    {"cname": 1},
    {"cname": ""},
    {"cname": "x" * 65},
    {"cname": "ü"},
    {"cname": "a\n"},
    {"cname": "a\x7f"},
    {"cname": ["a"]},
    {"channelkey": None},
    {"channelkey": 4},
    {"urls": None},
    {"urls": ""},
    {"urls": "rtmp://a.example/1"},
    {"urls": [""]},
    {"urls": [1]},
    {"urls": ["rtmp://"]},
    {"urls": ["http://a.example/1"]},
    {"urls": ["rtmp://a.example/1 2"]},
    {"urls": ["rtmp://a.example/1\n"]},
    {"urls": ["rtmp://ü.example/"]},
    {"urls": {}},
    {"uids": None},
    {"uids": 1},
    {"uids": [0]},
    {"uids": [-1]},
    {"uids": [1.0]},
    {"uids": ["1"]},
    {"uids": [True]},
    {"uids": [1 << 32]},
    {"url": []},
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("change", WRONG, ids=str)
def test_refuses_a_body_of_another_form(sandbox: RunningSandbox, method: str, change: dict[str, Any]) -> None:
    body = {"cname": CNAME, "channelkey": good_key(sandbox)} | change if change else {}
    reply = send(sandbox, method, body)
    assert (reply.status, reply.json()) == (400, BAD_REQUEST)
    assert sandbox.channels()["last_refusal"]["reason"].endswith(".")
    assert pushed(sandbox) == []


@pytest.mark.parametrize(("method", "field"), [("POST", "uids"), ("DELETE", "uids"), ("DELETE", "urls")])
def test_refuses_a_field_that_only_another_call_has(sandbox: RunningSandbox, method: str, field: str) -> None:
    body = {"cname": CNAME, "channelkey": good_key(sandbox), field: []}
    assert send(sandbox, method, body).json() == BAD_REQUEST


@pytest.mark.parametrize("missing", ["cname", "channelkey"])
@pytest.mark.parametrize("method", METHODS)
def test_refuses_a_body_that_lacks_a_field(sandbox: RunningSandbox, method: str, missing: str) -> None:
    body = {"cname": CNAME, "channelkey": good_key(sandbox)}
    del body[missing]
    assert send(sandbox, method, body).json() == BAD_REQUEST


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{\x00}\x00",
        b'{"cname": "%b", "cname": "lobby", "channelkey": "%b"}',
        b'{"cname": "lobby", "channelkey": "%b", "channelkey": "%b"}',
        b'{"cname": "\\ud800", "channelkey": "%b"}',
        b'{"cname": "lobby", "channelkey": "%b", "urls": ["rtmp://\\ud800"]}',
        b'{"cname": "lobby", "channelkey": "\\ud800"}',
        b'{"cname": "lobby", "channelkey": "%b", "uids": [NaN]}',
        b'{"cname": "lobby", "channelkey": "%b", "uids": [' + b"9" * 5000 + b"]}",
        b'{"cname": "lobby", "channelkey": "%b", "urls": ' + b"[" * 100_000,
        b'{"cname": "lobby", "channelkey": "%b", "urls": ["rtmp://' + b"x" * (2 << 20) + b'"]}',
    ],
    ids=lambda body: body[:70],
)
def test_refuses_what_is_no_sound_json(sandbox: RunningSandbox, method: str, body: bytes) -> None:
    reply = send(sandbox, method, body.replace(b"%b", good_key(sandbox).encode()))
    assert reply.status in (400, 401)
    assert reply.json() == (UNAUTHORIZED if b'channelkey": "\\u' in body else BAD_REQUEST)
    assert pushed(sandbox) == []


def test_takes_a_compressed_body_and_refuses_a_broken_one(sandbox: RunningSandbox) -> None:
    packed = gzip.compress(f'{{"cname": "lobby", "channelkey": "{good_key(sandbox)}"}}'.encode())
    replies = [
        send(sandbox, "POST", body, {"Content-Encoding": "gzip"})
        for body in (b"{}", packed[:20], packed, gzip.compress(b" " * (50 << 20)))
    ]
    assert [reply.status for reply in replies] == [400, 400, 200, 400]
    assert len(pushed(sandbox)) == 1


def test_a_caller_who_leaves_within_the_body_starts_nothing(sandbox: RunningSandbox) -> None:
    body = f'{{"cname": "lobby", "channelkey": "{good_key(sandbox)}"}}'
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        head = f"POST /api/v1/channel HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 1}\r\n\r\n"
        raw.sendall((head + body).encode())
    while sandbox.channels()["requests"] == 0:
        pass
    assert pushed(sandbox) == []
    assert "its own bug" not in sandbox.log()


def test_the_form_comes_before_the_key_and_the_key_before_the_channel(sandbox: RunningSandbox) -> None:
    bodies = [{"channelkey": "x"}, {"cname": CNAME, "channelkey": "x"}]
    assert [send(sandbox, "DELETE", body).status for body in bodies] == [400, 401]
    assert push(sandbox, "DELETE").status == 404


def test_asks_for_no_customer_and_counts_against_no_limit(sandbox: RunningSandbox) -> None:
    sandbox.put_rate_limit(0.001)
    assert [push(sandbox, method).status for method in METHODS] == [200] * 3
    assert sandbox.stats()["requests"] == 0
    assert sandbox.fetch(sandbox.app_ids[0]).status == 200


def test_the_open_state_is_not_looked_at(sandbox: RunningSandbox) -> None:
    assert not any(sandbox.open_states().values())
    assert push(sandbox, "POST").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "OPTIONS"])
def test_has_no_other_method(sandbox: RunningSandbox, method: str) -> None:
    reply = sandbox.request(method, "/api/v1/channel")
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE,POST,PUT")
    assert method == "HEAD" or reply.json() == failure(405, "Method not allowed")


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/channel/", "/api/v1/channels"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_has_no_other_path(sandbox: RunningSandbox, method: str, path: str) -> None:
    reply = sandbox.request(method, path)
    assert (reply.status, reply.json()) == (404, failure(404, "There is no such API call"))
    assert sandbox.request(method, "/api/v10").status == 401


def test_forgets_channels_and_counts_when_told_so(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST")
    push(sandbox, "POST")
    told = sandbox.channels()
    assert (told["starts"], told["refused"], told["last_refusal"]["status"]) == (1, 1, 409)
    sandbox.reset_channels()
    told = sandbox.channels()
    assert [told[name] for name in ("channels", "requests", "starts", "refused", "last_refusal")] == [
        [],
        0,
        0,
        0,
        None,
    ]
    assert push(sandbox, "POST").status == 200
