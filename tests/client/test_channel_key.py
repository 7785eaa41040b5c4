"""Channel Keys: the vendor's own examples to the letter, what is refused, and that no forgery passes."""

from __future__ import annotations

import hashlib
import hmac
import random
import string
import subprocess
import sys
import time
import traceback
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import agora
from agora.client.channel_key import ChannelKey, generate, parse
from agora.errors import SettingsError

pytestmark = pytest.mark.unit

APP_ID = "970ca35de60c44645bbae8a215061b33"
CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
CHANNEL = "7d72365eb983485397e3e3f9d460bdda"
CARRIED = {"unix_ts": 1446455472, "random": 58964981, "expired_ts": 1446455471}
UID = 2882341273
BEHIND_SIGNATURE = "970ca35de60c44645bbae8a215061b3314464554720383bbf51446455471"
SIGNATURES = {
    "ACS": "d0ec5ee3179c964fe7c0485c045541de6bff332b",
    "ARS": "e0c24ac56aae05229a6d9389860a1a0e25e56da8",
    "APSS": "ec32c0d528e58ef90e8ff437a9706124137dc795",
}
PUBLISHED = f"004{SIGNATURES['ACS']}{BEHIND_SIGNATURE}"
# In the bypass push-stream document; of its certificate and channel nothing is known.
DOCUMENTED = (
    "0046b5491695dde1a8a0671afaf93f35583ffdf892c4ace618eb6fb4755861a6008b801a4101476155695bf6f0a420000000000"
)

MOST = 4294967295
PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
HEX_32 = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)
CHANNELS = st.text(PRINTABLE, min_size=1, max_size=64)
UNSIGNED = st.integers(0, MOST)
SERVICES = st.sampled_from(["ACS", "ARS", "APSS"])


def made(**other: Any) -> str:
    arguments: dict[str, Any] = {"app_id": APP_ID, "app_certificate": CERTIFICATE, "channel": CHANNEL}
    return generate(**(arguments | {"uid": UID} | CARRIED | other))


def spoilt(at: int, text: str) -> str:
    """Put a text over the published key's characters from a position on."""
    return PUBLISHED[:at] + text + PUBLISHED[at + len(text) :]


def genuine(key: str, certificate: str, channel: str, uid: int, service: str) -> bool:
    """Check a key as a gateway would that knows the vendor's format and nothing of the product's code."""
    version, signature, behind = key[:3], key[3:43], key[43:]
    app_id, made_at, salt, ends_at = behind[:32], behind[32:42], behind[42:50], behind[50:]
    message = b"".join(
        part.encode()
        for part in (service, app_id.rjust(32, "\0"), made_at, salt, channel, str(uid).zfill(10), ends_at)
    )
    mac = hmac.new(certificate.encode("ascii"), message, hashlib.sha1).hexdigest()
    return len(key) == 103 and version == "004" and signature == mac


def accepted(key: str, certificate: str = CERTIFICATE, channel: str = CHANNEL, uid: int = UID) -> bool:
    """Tell whether the product takes a key: it can be read, and is signed."""
    try:
        return parse(key).verify(certificate, channel, uid=uid)
    except SettingsError:
        return False


def refusal(call: Any, *arguments: Any, **named: Any) -> str:
    """Return what a refusal says, after seeing that neither it nor its traceback gives a secret away."""
    with pytest.raises(SettingsError) as refused:
        call(*arguments, **named)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    for secret in (CERTIFICATE, CERTIFICATE[:31], CERTIFICATE[1:], SIGNATURES["ACS"], PUBLISHED):
        assert secret not in shown
    assert str(refused.value).endswith(". See docs/runbook.md#settings-error")
    return str(refused.value)


@pytest.mark.parametrize("service", ["ACS", "ARS", "APSS"])
def test_the_vendors_published_keys_are_made_to_the_letter(service: str) -> None:
    assert made(service=service) == f"004{SIGNATURES[service]}{BEHIND_SIGNATURE}"
    assert genuine(made(service=service), CERTIFICATE, CHANNEL, UID, service)


def test_the_published_key_is_read() -> None:
    assert parse(PUBLISHED) == ChannelKey(app_id=APP_ID, signature=SIGNATURES["ACS"], **CARRIED)


def test_the_key_of_the_push_stream_document_is_read() -> None:
    assert parse(DOCUMENTED) == ChannelKey(
        app_id="4ace618eb6fb4755861a6008b801a410",
        unix_ts=1476155695,
        random=3211725378,
        expired_ts=0,
        signature="6b5491695dde1a8a0671afaf93f35583ffdf892c",
    )


def test_unless_said_a_key_is_for_uid_0_and_a_media_channel_and_never_ends() -> None:
    key = generate(APP_ID, CERTIFICATE, CHANNEL)
    assert key.endswith("0000000000")
    assert genuine(key, CERTIFICATE, CHANNEL, 0, "ACS")
    assert parse(key).verify(CERTIFICATE, CHANNEL)


def test_unless_said_a_key_is_made_now() -> None:
    before = int(time.time())
    made_at = parse(made(unix_ts=None)).unix_ts
    assert before <= made_at <= int(time.time())


def test_unless_said_the_salt_is_fresh_and_uses_all_32_bits() -> None:
    salts = []
    for _ in range(64):
        random.seed(1)  # who knows the state of Python's generator cannot foresee it either
        salts.append(parse(made(random=None)).random)
    assert len(set(salts)) > 32
    assert max(salts) >= 2**31


@given(HEX_32, HEX_32, CHANNELS, UNSIGNED, SERVICES, UNSIGNED, UNSIGNED, UNSIGNED)
def test_what_is_made_is_read_and_genuine(
    app_id: str,
    certificate: str,
    channel: str,
    uid: int,
    service: str,
    unix_ts: int,
    salt: int,
    expired_ts: int,
) -> None:
    carried = {"unix_ts": unix_ts, "random": salt, "expired_ts": expired_ts}
    key = generate(app_id, certificate, channel, uid=uid, service=service, **carried)
    assert len(key) == 103
    assert key.isascii()
    read = parse(key)
    assert read == ChannelKey(app_id=app_id, signature=key[3:43], **carried)
    assert genuine(key, certificate, channel, uid, service)
    assert read.verify(certificate, channel, uid=uid, service=service)


@pytest.mark.parametrize("position", range(103))
def test_any_character_changed_is_detected(position: int) -> None:
    for character in [*string.printable, "\0", "é", "٣", ""]:
        forged = PUBLISHED[:position] + character + PUBLISHED[position + 1 :]
        if forged != PUBLISHED:
            assert not genuine(forged, CERTIFICATE, CHANNEL, UID, "ACS")
            assert not accepted(forged)


@given(HEX_32, CHANNELS, UNSIGNED, SERVICES)
def test_a_key_of_another_certificate_channel_uid_or_service_is_detected(
    certificate: str, channel: str, uid: int, service: str
) -> None:
    assume(certificate != CERTIFICATE and channel != CHANNEL and uid != UID)
    for other in ({"app_certificate": certificate}, {"channel": channel}, {"uid": uid}):
        assert not genuine(made(**other), CERTIFICATE, CHANNEL, UID, "ACS")
        assert not accepted(made(**other))
    key = made(service=service)
    assert genuine(key, CERTIFICATE, CHANNEL, UID, "ACS") == accepted(key) == (service == "ACS")
    assert not accepted(PUBLISHED, certificate=certificate)
    assert not accepted(PUBLISHED, channel=channel)
    assert not accepted(PUBLISHED, uid=uid)


@pytest.mark.parametrize(("field", "named"), [("app_id", "App ID"), ("app_certificate", "App Certificate")])
@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("", "0 characters"),
        (CERTIFICATE[:31], "31 characters"),
        (CERTIFICATE + "0", "33 characters"),
        (CERTIFICATE + "\n", "33 characters"),
        (CERTIFICATE[:31] + "\n", "another character at position 32"),
        ("g" + CERTIFICATE[1:], "another character at position 1"),
        (CERTIFICATE[:9] + "٣" + CERTIFICATE[10:], "another character at position 10"),
        (CERTIFICATE.encode(), "bytes"),
        (None, "NoneType"),
    ],
)
def test_app_id_and_certificate_are_32_hexadecimal_digits(
    field: str, named: str, value: object, got: str
) -> None:
    said = refusal(made, **{field: value})
    assert f"the {named} must be 32 hexadecimal digits, got {got}." in said


@pytest.mark.parametrize("field", ["app_id", "app_certificate"])
def test_hexadecimal_digits_may_be_capital_and_stay_as_they_are(field: str) -> None:
    capital = {"app_id": APP_ID, "app_certificate": CERTIFICATE}[field].upper()
    key = made(**{field: capital})
    assert genuine(key, capital if field == "app_certificate" else CERTIFICATE, CHANNEL, UID, "ACS")
    assert key != PUBLISHED
    assert parse(key).app_id == key[43:75]


@pytest.mark.parametrize("channel", ["c", " ", "~", "a" * 64, '!"#$%&()+-:;<=>?@[]^_{}|,./', "0000000000"])
def test_a_channel_is_up_to_64_printable_ascii_characters(channel: str) -> None:
    assert genuine(made(channel=channel), CERTIFICATE, channel, UID, "ACS")


@pytest.mark.parametrize(
    ("channel", "got"),
    [
        ("", "0 characters"),
        ("a" * 65, "65 characters"),
        ("room\n", "another character at position 5"),
        ("ro\0om", "another character at position 3"),
        ("room\x7f", "another character at position 5"),
        ("čroom", "another character at position 1"),
        ("\ud800", "another character at position 1"),
        (f"{CERTIFICATE}\t", "another character at position 33"),
        (b"room", "bytes"),
        (7, "int"),
        (None, "NoneType"),
    ],
)
def test_another_channel_is_refused(channel: object, got: str) -> None:
    said = refusal(made, channel=channel)
    assert f"the channel must be 1 to 64 printable ASCII characters, got {got}." in said


@pytest.mark.parametrize("field", ["uid", "unix_ts", "random", "expired_ts"])
def test_a_number_is_unsigned_and_of_32_bits(field: str) -> None:
    for number in (0, 2**31, MOST):
        key = made(**{field: number})
        assert genuine(key, CERTIFICATE, CHANNEL, number if field == "uid" else UID, "ACS")
    for number in (-1, -(2**31), MOST + 1, 10**10, 10**5000, int(CERTIFICATE, 16)):
        assert f"{field} must be from 0 to {MOST} (unsigned 32-bit)." in refusal(made, **{field: number})


@pytest.mark.parametrize("field", ["uid", "unix_ts", "random", "expired_ts"])
@pytest.mark.parametrize("value", ["0", CERTIFICATE, 0.0, True, b"0", float("nan")])
def test_a_number_is_whole(field: str, value: object) -> None:
    said = refusal(made, **{field: value})
    assert f"{field} must be a whole number, got {type(value).__name__}." in said


@pytest.mark.parametrize("service", ["", "acs", "ACS ", "ACSS", "A", CERTIFICATE, None, 7, ["ACS"], b"ACS"])
def test_another_service_is_refused(service: object) -> None:
    assert "service must be one of ACS, ARS, APSS." in refusal(made, service=service)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "a key must be a string that begins with 004"),
        (None, "a key must be a string that begins with 004"),
        (PUBLISHED.encode(), "a key must be a string that begins with 004"),
        (spoilt(2, "5"), "a key must be a string that begins with 004"),
        (" " + PUBLISHED, "a key must be a string that begins with 004"),
        (PUBLISHED[:-1], "a key must have 103 characters, got 102."),
        (PUBLISHED + "\n", "a key must have 103 characters, got 104."),
        (PUBLISHED + PUBLISHED, "a key must have 103 characters, got 206."),
        (spoilt(3, "D"), "the key's signature must be 40 lower-case hexadecimal digits, got another "),
        (spoilt(43, "g"), "the key's app_id must be 32 hexadecimal digits, got another "),
        (spoilt(75, "x"), "the key's unix_ts must be 10 decimal digits, got another "),
        (spoilt(75, "-"), "the key's unix_ts must be 10 decimal digits, got another "),
        (spoilt(83, "_"), "the key's unix_ts must be 10 decimal digits, got another "),
        (spoilt(75, "4294967296"), f"the key's unix_ts must be from 0 to {MOST} (unsigned 32-bit)."),
        (spoilt(90, "B"), "the key's random must be 8 lower-case hexadecimal digits, got another "),
        (spoilt(102, "٣"), "the key's expired_ts must be 10 decimal digits, got another "),
        (spoilt(93, "9999999999"), f"the key's expired_ts must be from 0 to {MOST} (unsigned 32-bit)."),
    ],
)
def test_a_malformed_key_is_refused_by_its_part(key: Any, sentence: str) -> None:
    assert sentence in refusal(parse, key)


@given(st.text() | st.builds(spoilt, st.integers(3, 102), st.text(string.hexdigits, max_size=40)))
def test_any_text_is_read_back_to_the_letter_or_refused(text: str) -> None:
    try:
        read = parse(text)
    except SettingsError:
        return
    carried = f"{read.app_id}{read.unix_ts:010d}{read.random:08x}{read.expired_ts:010d}"
    assert text == f"004{read.signature}{carried}"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"app_certificate": CERTIFICATE[:31]}, "the App Certificate must be 32"),
        ({"channel": ""}, "the channel must be"),
        ({"uid": -1}, "uid must be"),
        ({"service": "XYZ"}, "service must be"),
    ],
)
def test_a_check_with_malformed_arguments_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"app_certificate": CERTIFICATE, "channel": CHANNEL, "uid": UID} | wrong
    assert sentence in refusal(parse(PUBLISHED).verify, **arguments)


def test_an_app_id_and_certificate_mixed_up_are_not_shown_either() -> None:
    refusal(generate, CERTIFICATE, APP_ID, "")
    refusal(generate, APP_ID, CHANNEL, f"{CERTIFICATE}é")


def test_a_key_read_cannot_change_and_does_not_show_its_signature() -> None:
    read = parse(PUBLISHED)
    with pytest.raises(FrozenInstanceError):
        read.unix_ts = 0  # type: ignore[misc]
    assert APP_ID in repr(read)
    assert SIGNATURES["ACS"] not in repr(read) + str(read)


def test_keys_are_made_with_nothing_but_python() -> None:
    """No installed package can be imported here, Airflow and pydantic among them."""
    program = (
        "from agora.client.channel_key import generate, parse\n"
        f"print(generate({APP_ID!r}, {CERTIFICATE!r}, {CHANNEL!r}, uid={UID}, **{CARRIED!r}), end='')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(Path(agora.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (PUBLISHED, "")
