"""The push-stream API: start, update and stop a channel, and the errors."""

from __future__ import annotations

import gzip
import socket
from typing import Any

import pytest

from tests.sandbox.push_stream.channel_requests import (
    BAD_REQUEST,
    CNAME,
    CONFLICT,
    NOT_FOUND,
    UNAUTHORIZED,
    URLS,
    failure,
    push,
    send,
    valid_key,
)
from tests.support.sandbox_server import RunningSandbox

METHODS = ["POST", "PUT", "DELETE"]


def active(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.channels()["channels"])


def test_starts_updates_and_stops(sandbox: RunningSandbox) -> None:
    started = push(sandbox, "POST", urls=URLS)
    assert started.status == 200
    assert started.headers["content-type"] == "application/json"
    assert started.json() == {"data": {"cname": CNAME, "uids": [], "urls": URLS}}
    (channel,) = active(sandbox)
    assert channel["started_at"].startswith("2026-11-22T12:0")
    assert abs(channel["key_age_seconds"]) <= 300
    assert (channel["app_id"], channel["cname"], channel["urls"]) == (sandbox.app_ids[0], CNAME, URLS)
    updated = push(sandbox, "PUT", uids=[6496936, 6285261], urls=URLS[:1])
    assert updated.json() == {"data": {"cname": CNAME, "uids": [6496936, 6285261], "urls": URLS[:1]}}
    stopped = push(sandbox, "DELETE")
    assert (stopped.status, stopped.json()) == (200, {"data": {"cname": CNAME}})
    counts = sandbox.channels()
    assert counts["channels"] == []
    assert (counts["starts"], counts["updates"], counts["stops"], counts["refused"]) == (1, 1, 1, 0)
    assert (counts["requests"], counts["by_status"], counts["last_refusal"]) == (3, {"200": 3}, None)


def test_the_helper_gives_the_url(sandbox: RunningSandbox) -> None:
    path = sandbox.push_stream_url.removeprefix(sandbox.root_url) + "/channel"
    body = f'{{"cname": "lobby", "channelkey": "{valid_key(sandbox)}"}}'
    assert sandbox.request("POST", path, None, body.encode()).status == 200


def test_an_absent_field_of_an_update_keeps_its_value(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST", urls=URLS)
    bodies: list[dict[str, Any]] = [{"uids": [2, 1]}, {"urls": URLS[1:]}, {}, {"uids": []}, {"urls": []}]
    updated = [push(sandbox, "PUT", **body).json()["data"] for body in bodies]
    assert [channel["uids"] for channel in updated] == [[2, 1], [2, 1], [2, 1], [], []]
    assert [channel["urls"] for channel in updated] == [URLS, URLS[1:], URLS[1:], URLS[1:], []]


def test_stream_urls_are_optional(sandbox: RunningSandbox) -> None:
    assert push(sandbox, "POST").json()["data"]["urls"] == []


def test_refuses_to_start_an_active_channel(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST", urls=URLS)
    again = push(sandbox, "POST", urls=[])
    assert (again.status, again.json()) == (409, CONFLICT)
    assert active(sandbox)[0]["urls"] == URLS
    push(sandbox, "DELETE")
    assert push(sandbox, "POST").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_requires_an_active_channel(sandbox: RunningSandbox, method: str) -> None:
    push(sandbox, "POST")
    reply = push(sandbox, method, CNAME.upper())
    assert (reply.status, reply.json()) == (404, NOT_FOUND)
    assert len(active(sandbox)) == 1


def test_every_app_has_its_own_channels(sandbox: RunningSandbox) -> None:
    assert push(sandbox, "POST", app=0, urls=URLS).status == 200
    assert push(sandbox, "POST", app=1).status == 200
    assert push(sandbox, "DELETE", app=1).status == 200
    assert [channel["app_id"] for channel in active(sandbox)] == sandbox.app_ids[:1]


@pytest.mark.parametrize("cname", ["x", " ", "x" * 64, "~!\"\\/'<b>%00"])
def test_accepts_any_printable_name(sandbox: RunningSandbox, cname: str) -> None:
    assert push(sandbox, "POST", cname).json()["data"]["cname"] == cname


INVALID_FIELDS: list[Any] = [
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
@pytest.mark.parametrize("change", INVALID_FIELDS, ids=str)
def test_refuses_an_invalid_field(sandbox: RunningSandbox, method: str, change: dict[str, Any]) -> None:
    body = {"cname": CNAME, "channelkey": valid_key(sandbox)} | change if change else {}
    reply = send(sandbox, method, body)
    assert (reply.status, reply.json()) == (400, BAD_REQUEST)
    assert sandbox.channels()["last_refusal"]["reason"].endswith(".")
    assert active(sandbox) == []


@pytest.mark.parametrize(("method", "field"), [("POST", "uids"), ("DELETE", "uids"), ("DELETE", "urls")])
def test_refuses_a_field_of_another_method(sandbox: RunningSandbox, method: str, field: str) -> None:
    body = {"cname": CNAME, "channelkey": valid_key(sandbox), field: []}
    assert send(sandbox, method, body).json() == BAD_REQUEST


@pytest.mark.parametrize("missing", ["cname", "channelkey"])
@pytest.mark.parametrize("method", METHODS)
def test_refuses_a_body_without_a_required_field(sandbox: RunningSandbox, method: str, missing: str) -> None:
    body = {"cname": CNAME, "channelkey": valid_key(sandbox)}
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
def test_refuses_malformed_json(sandbox: RunningSandbox, method: str, body: bytes) -> None:
    reply = send(sandbox, method, body.replace(b"%b", valid_key(sandbox).encode()))
    assert reply.status in (400, 401)
    assert reply.json() == (UNAUTHORIZED if b'channelkey": "\\u' in body else BAD_REQUEST)
    assert active(sandbox) == []


def test_accepts_a_compressed_body_and_refuses_a_damaged_one(sandbox: RunningSandbox) -> None:
    packed = gzip.compress(f'{{"cname": "lobby", "channelkey": "{valid_key(sandbox)}"}}'.encode())
    replies = [
        send(sandbox, "POST", body, {"Content-Encoding": "gzip"})
        for body in (b"{}", packed[:20], packed, gzip.compress(b" " * (50 << 20)))
    ]
    assert [reply.status for reply in replies] == [400, 400, 200, 400]
    assert len(active(sandbox)) == 1


def test_an_incomplete_body_has_no_effect(sandbox: RunningSandbox) -> None:
    body = f'{{"cname": "lobby", "channelkey": "{valid_key(sandbox)}"}}'
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        head = f"POST /api/v1/channel HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 1}\r\n\r\n"
        raw.sendall((head + body).encode())
    while sandbox.channels()["requests"] == 0:
        pass
    assert active(sandbox) == []
    assert "A bug in the sandbox" not in sandbox.log()


def test_checks_the_form_then_the_key_then_the_channel(sandbox: RunningSandbox) -> None:
    bodies = [{"channelkey": "x"}, {"cname": CNAME, "channelkey": "x"}]
    assert [send(sandbox, "DELETE", body).status for body in bodies] == [400, 401]
    assert push(sandbox, "DELETE").status == 404


def test_needs_no_customer_and_has_no_rate_limit(sandbox: RunningSandbox) -> None:
    sandbox.put_rate_limit(0.001)
    assert [push(sandbox, method).status for method in METHODS] == [200] * 3
    assert sandbox.stats()["requests"] == 0
    assert sandbox.fetch(sandbox.app_ids[0]).status == 200


def test_the_open_state_has_no_influence(sandbox: RunningSandbox) -> None:
    assert not any(sandbox.open_states().values())
    assert push(sandbox, "POST").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "OPTIONS"])
def test_an_unknown_method_gets_405(sandbox: RunningSandbox, method: str) -> None:
    reply = sandbox.request(method, "/api/v1/channel")
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE,POST,PUT")
    assert method == "HEAD" or reply.json() == failure(405, "Method not allowed")


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/channel/", "/api/v1/channels"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_gets_404(sandbox: RunningSandbox, method: str, path: str) -> None:
    reply = sandbox.request(method, path)
    assert (reply.status, reply.json()) == (404, failure(404, "There is no such API call"))
    assert sandbox.request(method, "/api/v10").status == 401


def test_a_reset_deletes_channels_and_counts(sandbox: RunningSandbox) -> None:
    push(sandbox, "POST")
    push(sandbox, "POST")
    counts = sandbox.channels()
    assert (counts["starts"], counts["refused"], counts["last_refusal"]["status"]) == (1, 1, 409)
    sandbox.reset_channels()
    counts = sandbox.channels()
    assert [counts[name] for name in ("channels", "requests", "starts", "refused", "last_refusal")] == [
        [],
        0,
        0,
        0,
        None,
    ]
    assert push(sandbox, "POST").status == 200
