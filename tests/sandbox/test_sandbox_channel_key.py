"""The check of a Channel Key: only a fresh one, signed for this channel by this app, is good."""

from __future__ import annotations

import re

import pytest

from agora.client import channel_key
from sandbox.channel_key import KeyRefusedError, admit
from tests.sandbox.pushing import CNAME, UNAUTHORIZED, good_key, make_key, now_ts, push, send
from tests.support.sandbox_server import RunningSandbox, running_sandbox

APP_ID = "970ca35de60c44645bbae8a215061b33"
CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
CHANNEL = "7d72365eb983485397e3e3f9d460bdda"
NOW = 1446455472
KEY = make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, random=58964981)


def refusal(key: str, channel: str = CHANNEL, certificate: str = CERTIFICATE, now: float = NOW) -> str | None:
    """Tell why a key is refused, or nothing where it is good."""
    try:
        admit(key, channel, {APP_ID: certificate}.get, now)
    except KeyRefusedError as refused:
        return str(refused)
    return None


def test_the_tests_keys_are_those_of_the_published_vector() -> None:
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
    # Of the right form and by the right app, but made for a host and not for this API.
    assert "uid" in (refusal(published) or "")


def test_takes_a_good_key() -> None:
    admission = admit(KEY, CHANNEL, {APP_ID: CERTIFICATE}.get, NOW + 7.5)
    assert (admission.app_id, admission.key_age_seconds) == (APP_ID, 7.5)


def test_takes_the_products_keys() -> None:
    for channel in (CHANNEL, "~", " ", "x" * 64, '"\\/'):
        key = channel_key.generate(APP_ID, CERTIFICATE, channel, unix_ts=NOW)
        assert refusal(key, channel) is None


@pytest.mark.parametrize("position", range(103))
def test_refuses_a_key_with_any_one_character_changed(position: int) -> None:
    kept = KEY[position]
    others = set("0123456789abcdefABCDEFgz \n\x00é٣") | {kept.swapcase()}
    for other in others - {kept}:
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
def test_refuses_another_form(key: str) -> None:
    assert refusal(key) == "The key is not of version 004's form."


@pytest.mark.parametrize("position", range(32))
def test_refuses_a_key_for_another_channel_or_by_another_certificate(position: int) -> None:
    for text, name in ((CHANNEL, "channel"), (CERTIFICATE, "certificate")):
        changed = text[:position] + ("0" if text[position] != "0" else "1") + text[position + 1 :]
        assert "signed" in (refusal(KEY, **{name: changed}) or "")  # type: ignore[arg-type]
    assert refusal(KEY, CHANNEL.upper()) is not None
    assert refusal(KEY, certificate=CERTIFICATE.upper()) is not None


@pytest.mark.parametrize("changed", [{"uid": 1}, {"service": "ARS"}, {"service": "APSS"}])
def test_refuses_a_key_for_something_else(changed: dict[str, object]) -> None:
    assert "signed" in (refusal(make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, **changed)) or "")  # type: ignore[arg-type]


def test_no_character_moves_from_one_signed_part_to_the_next() -> None:
    key = make_key(APP_ID, CERTIFICATE, CHANNEL + "0", NOW)
    assert refusal(key, CHANNEL) is not None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-301, "ahead"), (-300, None), (0, None), (300, None), (300.5, "ago"), (301, "ago"), (10**9, "ago")],
)
def test_takes_a_key_for_five_minutes_in_either_direction(seconds: float, words: str | None) -> None:
    refused = refusal(KEY, now=NOW + seconds)
    assert refused is None if words is None else words in (refused or "")


@pytest.mark.parametrize(("expired_ts", "good"), [(0, True), (1, False), (NOW - 1, False), (NOW + 1, True)])
def test_refuses_a_key_that_has_expired(expired_ts: int, good: bool) -> None:
    key = make_key(APP_ID, CERTIFICATE, CHANNEL, NOW, expired_ts=expired_ts)
    assert refusal(key) == (None if good else "The key has expired.")


def test_refuses_an_app_that_the_account_does_not_have() -> None:
    other = make_key("f" * 32, CERTIFICATE, CHANNEL, NOW)
    assert refusal(other) == "The key's App ID is not in this account."


def test_goes_by_the_sandboxs_clock(sandbox: RunningSandbox) -> None:
    key = good_key(sandbox)
    sandbox.put_clock("2026-11-22T12:10:00+00:00")
    body = {"cname": CNAME, "channelkey": key}
    assert send(sandbox, "POST", body).json() == UNAUTHORIZED
    assert "more than 300 seconds ago" in sandbox.channels()["last_refusal"]["reason"]
    body["channelkey"] = good_key(sandbox)
    assert send(sandbox, "POST", body).status == 200


def test_one_apps_key_is_not_anothers(sandbox: RunningSandbox) -> None:
    one, other = sandbox.app_ids[:2]
    key = make_key(one, sandbox.app_certificate(other), CNAME, now_ts(sandbox))
    assert send(sandbox, "POST", {"cname": CNAME, "channelkey": key}).json() == UNAUTHORIZED


def test_tells_people_why_and_repeats_no_key() -> None:
    with running_sandbox() as sandbox:
        key = good_key(sandbox, uid=1)
        assert send(sandbox, "POST", {"cname": CNAME, "channelkey": key}).json() == UNAUTHORIZED
        assert send(sandbox, "POST", {"cname": CNAME, key: key, "channelkey": key}).status == 400
        sandbox.request("POST", f"/api/v1/channel?channelkey={key}", None, b"{")
        assert push(sandbox, "POST").status == 200
        told, log = sandbox.channels(), sandbox.log()
    assert told["last_refusal"] == {"status": 400, "reason": "The body is not JSON."}
    assert "A channel call was refused with 401: The key is signed for another channel" in log
    assert "POST /api/v1/channel 200" in log
    assert not re.search(r"004[0-9a-f]{40}", log + str(told))
