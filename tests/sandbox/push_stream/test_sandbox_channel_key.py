"""Channel Keys: only a recent key that the app has signed for the channel is valid."""

from __future__ import annotations

import re

import pytest

from agora.client import channel_key
from sandbox.push_stream.channel_key import InvalidChannelKeyError, verify_channel_key
from tests.sandbox.push_stream.channel_requests import (
    CNAME,
    UNAUTHORIZED,
    make_key,
    now_ts,
    push,
    send,
    valid_key,
)
from tests.support.sandbox_server import RunningSandbox, running_sandbox

APP_ID = "970ca35de60c44645bbae8a215061b33"
CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
CHANNEL = "7d72365eb983485397e3e3f9d460bdda"
NOW = 1446455472
KEY = make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, random=58964981)


def refusal(key: str, channel: str = CHANNEL, certificate: str = CERTIFICATE, now: float = NOW) -> str | None:
    """Return the reason why a key is refused, or None for a valid key."""
    try:
        verify_channel_key(key, channel, {APP_ID: certificate}.get, now)
    except InvalidChannelKeyError as refused:
        return str(refused)
    return None


def test_the_test_helper_reproduces_the_published_key() -> None:
    published = (
        "004"
        "d0ec5ee3179c964fe7c0485c045541de6bff332b"
        "970ca35de60c44645bbae8a215061b33"
        "1446455472"
        "0383bbf5"
        "1446455471"
    )
    key = make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, uid=2882341273, random=58964981, expired_ts=1446455471)
    assert key == published
    # The form and the app are right, but the key is for a host and not for this API.
    assert "uid" in (refusal(published) or "")


def test_accepts_a_valid_key() -> None:
    key = verify_channel_key(KEY, CHANNEL, {APP_ID: CERTIFICATE}.get, NOW + 7.5)
    assert (key.app_id, key.age_seconds) == (APP_ID, 7.5)


def test_accepts_the_products_keys() -> None:
    for channel in (CHANNEL, "~", " ", "x" * 64, '"\\/'):
        key = channel_key.generate(APP_ID, CERTIFICATE, channel, unix_ts=NOW)
        assert refusal(key, channel) is None


@pytest.mark.parametrize("position", range(103))
def test_refuses_a_key_with_any_one_character_changed(position: int) -> None:
    original = KEY[position]
    others = set("0123456789abcdefABCDEFgz \n\x00é٣") | {original.swapcase()}
    for other in others - {original}:
        assert refusal(KEY[:position] + other + KEY[position + 1 :]) is not None, other


@pytest.mark.parametrize(
    "key",
    [
        "",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        " " + KEY,
        KEY[1:],
        KEY.upper(),
        KEY.replace("1446455472", "１４４６４５５４７２"),
        KEY.replace("1446455472", "+144645547"),
        KEY.replace("1446455472", "1446_55472"),
    ],
)
def test_refuses_a_malformed_key(key: str) -> None:
    assert "form" in (refusal(key) or "")


@pytest.mark.parametrize("position", range(32))
def test_refuses_a_key_for_another_channel_or_by_another_certificate(position: int) -> None:
    for text, name in ((CHANNEL, "channel"), (CERTIFICATE, "certificate")):
        changed = text[:position] + ("0" if text[position] != "0" else "1") + text[position + 1 :]
        assert "signed" in (refusal(KEY, **{name: changed}) or "")  # type: ignore[arg-type]
    assert refusal(KEY, CHANNEL.upper()) is not None
    assert refusal(KEY, certificate=CERTIFICATE.upper()) is not None


@pytest.mark.parametrize("changed", [{"uid": 1}, {"service": "ARS"}, {"service": "APSS"}])
def test_refuses_a_key_for_another_uid_or_service(changed: dict[str, object]) -> None:
    assert "signed" in (refusal(make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, **changed)) or "")  # type: ignore[arg-type]


def test_the_signature_separates_channel_and_uid() -> None:
    key = make_key(APP_ID, CERTIFICATE, CHANNEL + "0", NOW)
    assert refusal(key, CHANNEL) is not None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-301, "in the future"),
        (-300, None),
        (0, None),
        (300, None),
        (300.5, "in the past"),
        (301, "in the past"),
        (10**9, "in the past"),
    ],
)
def test_accepts_a_key_for_five_minutes_in_either_direction(seconds: float, expected: str | None) -> None:
    refused = refusal(KEY, now=NOW + seconds)
    assert refused is None if expected is None else expected in (refused or "")


@pytest.mark.parametrize(("expired_ts", "ok"), [(0, True), (1, False), (NOW - 1, False), (NOW + 1, True)])
def test_refuses_a_key_that_has_expired(expired_ts: int, ok: bool) -> None:
    key = make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, expired_ts=expired_ts)
    assert (refusal(key) is None) == ok


def test_refuses_an_app_of_another_account() -> None:
    other = make_key("f" * 32, CERTIFICATE, CHANNEL, NOW)
    assert "not in this account" in (refusal(other) or "")


def test_uses_the_sandboxs_clock(sandbox: RunningSandbox) -> None:
    key = valid_key(sandbox)
    sandbox.put_clock("2026-11-22T12:10:00+00:00")
    body = {"cname": CNAME, "channelkey": key}
    assert send(sandbox, "POST", body).json() == UNAUTHORIZED
    assert "more than 300 seconds in the past" in sandbox.channels()["last_refusal"]["reason"]
    body["channelkey"] = valid_key(sandbox)
    assert send(sandbox, "POST", body).status == 200


def test_refuses_a_key_with_another_apps_certificate(sandbox: RunningSandbox) -> None:
    one, other = sandbox.app_ids[:2]
    key = make_key(one, sandbox.app_certificate(other), CNAME, now_ts(sandbox))
    assert send(sandbox, "POST", {"cname": CNAME, "channelkey": key}).json() == UNAUTHORIZED


def test_gives_the_reason_and_shows_no_key() -> None:
    with running_sandbox() as sandbox:
        key = valid_key(sandbox, uid=1)
        assert send(sandbox, "POST", {"cname": CNAME, "channelkey": key}).json() == UNAUTHORIZED
        assert send(sandbox, "POST", {"cname": CNAME, key: key, "channelkey": key}).status == 400
        sandbox.request("POST", f"/api/v1/channel?channelkey={key}", None, b"{")
        assert push(sandbox, "POST").status == 200
        channels, log = sandbox.channels(), sandbox.log()
    assert channels["last_refusal"] == {"status": 400, "reason": "The body is not JSON."}
    assert "Refused a channel request with 401: The key was signed for another channel" in log
    assert "POST /api/v1/channel 200" in log
    assert not re.search(r"004[0-9a-f]{40}", log + str(channels))
