"""Channel Keys: the vendor's published examples, refused arguments, and detection of forgeries."""

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
AFTER_SIGNATURE = "970ca35de60c44645bbae8a215061b3314464554720383bbf51446455471"
SIGNATURES = {
    "ACS": "d0ec5ee3179c964fe7c0485c045541de6bff332b",
    "ARS": "e0c24ac56aae05229a6d9389860a1a0e25e56da8",
    "APSS": "ec32c0d528e58ef90e8ff437a9706124137dc795",
}
PUBLISHED = f"004{SIGNATURES['ACS']}{AFTER_SIGNATURE}"
# From the bypass push-stream document, which does not state the certificate or the channel.
DOCUMENTED = (
    "0046b5491695dde1a8a0671afaf93f35583ffdf892c4ace618eb6fb4755861a6008b801a4101476155695bf6f0a420000000000"
)

MAX_UINT32 = 4294967295
PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
HEX_32 = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)
CHANNELS = st.text(PRINTABLE, min_size=1, max_size=64)
UNSIGNED = st.integers(0, MAX_UINT32)
SERVICES = st.sampled_from(["ACS", "ARS", "APSS"])


def make_key(**other: Any) -> str:
    arguments: dict[str, Any] = {"app_id": APP_ID, "app_certificate": CERTIFICATE, "channel": CHANNEL}
    return generate(**(arguments | {"uid": UID} | CARRIED | other))


def altered(at: int, text: str) -> str:
    """Return the published key with characters from position `at` replaced by `text`."""
    return PUBLISHED[:at] + text + PUBLISHED[at + len(text) :]


def is_genuine(key: str, certificate: str, channel: str, uid: int, service: str) -> bool:
    """Check a key with a second implementation of the vendor's format, independent of the product."""
    version, signature, rest = key[:3], key[3:43], key[43:]
    app_id, made_at, salt, ends_at = rest[:32], rest[32:42], rest[42:50], rest[50:]
    message = b"".join(
        part.encode()
        for part in (service, app_id.rjust(32, "\0"), made_at, salt, channel, str(uid).zfill(10), ends_at)
    )
    mac = hmac.new(certificate.encode("ascii"), message, hashlib.sha1).hexdigest()
    return len(key) == 103 and version == "004" and signature == mac


def is_accepted(key: str, certificate: str = CERTIFICATE, channel: str = CHANNEL, uid: int = UID) -> bool:
    """Return whether the product can parse a key and verify its signature."""
    try:
        return parse(key).verify(certificate, channel, uid=uid)
    except SettingsError:
        return False


def refusal(call: Any, *arguments: Any, **label: Any) -> str:
    """Return the text of a refusal, and check that neither it nor its traceback shows a secret."""
    with pytest.raises(SettingsError) as refused:
        call(*arguments, **label)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    for secret in (CERTIFICATE, CERTIFICATE[:31], CERTIFICATE[1:], SIGNATURES["ACS"], PUBLISHED):
        assert secret not in shown
    assert str(refused.value).endswith(". See docs/runbook.md#settings-error")
    return str(refused.value)


@pytest.mark.parametrize("service", ["ACS", "ARS", "APSS"])
def test_the_vendors_published_keys_are_reproduced_exactly(service: str) -> None:
    assert make_key(service=service) == f"004{SIGNATURES[service]}{AFTER_SIGNATURE}"
    assert is_genuine(make_key(service=service), CERTIFICATE, CHANNEL, UID, service)


def test_the_published_key_is_parsed() -> None:
    assert parse(PUBLISHED) == ChannelKey(app_id=APP_ID, signature=SIGNATURES["ACS"], **CARRIED)


def test_the_key_in_the_push_stream_document_is_parsed() -> None:
    assert parse(DOCUMENTED) == ChannelKey(
        app_id="4ace618eb6fb4755861a6008b801a410",
        unix_ts=1476155695,
        random=3211725378,
        expired_ts=0,
        signature="6b5491695dde1a8a0671afaf93f35583ffdf892c",
    )


def test_by_default_a_key_is_for_uid_0_and_a_media_channel_and_never_expires() -> None:
    key = generate(APP_ID, CERTIFICATE, CHANNEL)
    assert key.endswith("0000000000")
    assert is_genuine(key, CERTIFICATE, CHANNEL, 0, "ACS")
    assert parse(key).verify(CERTIFICATE, CHANNEL)


def test_by_default_a_key_has_the_current_time() -> None:
    before = int(time.time())
    made_at = parse(make_key(unix_ts=None)).unix_ts
    assert before <= made_at <= int(time.time())


def test_by_default_the_salt_is_random_and_uses_all_32_bits() -> None:
    salts = []
    for _ in range(64):
        random.seed(1)  # the salt must not depend on the state of Python's generator
        salts.append(parse(make_key(random=None)).random)
    assert len(set(salts)) > 32
    assert max(salts) >= 2**31


@given(HEX_32, HEX_32, CHANNELS, UNSIGNED, SERVICES, UNSIGNED, UNSIGNED, UNSIGNED)
def test_generated_keys_are_genuine_and_can_be_parsed(
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
    parsed = parse(key)
    assert parsed == ChannelKey(app_id=app_id, signature=key[3:43], **carried)
    assert is_genuine(key, certificate, channel, uid, service)
    assert parsed.verify(certificate, channel, uid=uid, service=service)


@pytest.mark.parametrize("position", range(103))
def test_any_changed_character_is_detected(position: int) -> None:
    for character in [*string.printable, "\0", "é", "٣", ""]:
        forged = PUBLISHED[:position] + character + PUBLISHED[position + 1 :]
        if forged != PUBLISHED:
            assert not is_genuine(forged, CERTIFICATE, CHANNEL, UID, "ACS")
            assert not is_accepted(forged)


@given(HEX_32, CHANNELS, UNSIGNED, SERVICES)
def test_a_key_for_another_certificate_channel_uid_or_service_is_detected(
    certificate: str, channel: str, uid: int, service: str
) -> None:
    assume(certificate != CERTIFICATE and channel != CHANNEL and uid != UID)
    for other in ({"app_certificate": certificate}, {"channel": channel}, {"uid": uid}):
        assert not is_genuine(make_key(**other), CERTIFICATE, CHANNEL, UID, "ACS")
        assert not is_accepted(make_key(**other))
    key = make_key(service=service)
    assert is_genuine(key, CERTIFICATE, CHANNEL, UID, "ACS") == is_accepted(key) == (service == "ACS")
    assert not is_accepted(PUBLISHED, certificate=certificate)
    assert not is_accepted(PUBLISHED, channel=channel)
    assert not is_accepted(PUBLISHED, uid=uid)


@pytest.mark.parametrize(("field", "label"), [("app_id", "App ID"), ("app_certificate", "App Certificate")])
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
    field: str, label: str, value: object, got: str
) -> None:
    text = refusal(make_key, **{field: value})
    assert f"the {label} must be 32 hexadecimal digits, got {got}." in text


@pytest.mark.parametrize("field", ["app_id", "app_certificate"])
def test_upper_case_hexadecimal_digits_are_accepted_unchanged(field: str) -> None:
    upper_case = {"app_id": APP_ID, "app_certificate": CERTIFICATE}[field].upper()
    key = make_key(**{field: upper_case})
    assert is_genuine(key, upper_case if field == "app_certificate" else CERTIFICATE, CHANNEL, UID, "ACS")
    assert key != PUBLISHED
    assert parse(key).app_id == key[43:75]


@pytest.mark.parametrize("channel", ["c", " ", "~", "a" * 64, '!"#$%&()+-:;<=>?@[]^_{}|,./', "0000000000"])
def test_a_channel_is_up_to_64_printable_ascii_characters(channel: str) -> None:
    assert is_genuine(make_key(channel=channel), CERTIFICATE, channel, UID, "ACS")


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
def test_an_invalid_channel_is_refused(channel: object, got: str) -> None:
    text = refusal(make_key, channel=channel)
    assert f"the channel must be 1 to 64 printable ASCII characters, got {got}." in text


@pytest.mark.parametrize("field", ["uid", "unix_ts", "random", "expired_ts"])
def test_a_number_must_fit_an_unsigned_32_bit_integer(field: str) -> None:
    for number in (0, 2**31, MAX_UINT32):
        key = make_key(**{field: number})
        assert is_genuine(key, CERTIFICATE, CHANNEL, number if field == "uid" else UID, "ACS")
    for number in (-1, -(2**31), MAX_UINT32 + 1, 10**10, 10**5000, int(CERTIFICATE, 16)):
        assert f"{field} must be from 0 to {MAX_UINT32} (unsigned 32-bit)." in refusal(
            make_key, **{field: number}
        )


@pytest.mark.parametrize("field", ["uid", "unix_ts", "random", "expired_ts"])
@pytest.mark.parametrize("value", ["0", CERTIFICATE, 0.0, True, b"0", float("nan")])
def test_a_number_must_be_an_integer(field: str, value: object) -> None:
    text = refusal(make_key, **{field: value})
    assert f"{field} must be a whole number, got {type(value).__name__}." in text


@pytest.mark.parametrize("service", ["", "acs", "ACS ", "ACSS", "A", CERTIFICATE, None, 7, ["ACS"], b"ACS"])
def test_an_unknown_service_is_refused(service: object) -> None:
    assert "service must be one of ACS, ARS, APSS." in refusal(make_key, service=service)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "a key must be a string that begins with 004"),
        (None, "a key must be a string that begins with 004"),
        (PUBLISHED.encode(), "a key must be a string that begins with 004"),
        (altered(2, "5"), "a key must be a string that begins with 004"),
        (" " + PUBLISHED, "a key must be a string that begins with 004"),
        (PUBLISHED[:-1], "a key must have 103 characters, got 102."),
        (PUBLISHED + "\n", "a key must have 103 characters, got 104."),
        (PUBLISHED + PUBLISHED, "a key must have 103 characters, got 206."),
        (altered(3, "D"), "the key's signature must be 40 lower-case hexadecimal digits, got another "),
        (altered(43, "g"), "the key's app_id must be 32 hexadecimal digits, got another "),
        (altered(75, "x"), "the key's unix_ts must be 10 decimal digits, got another "),
        (altered(75, "-"), "the key's unix_ts must be 10 decimal digits, got another "),
        (altered(83, "_"), "the key's unix_ts must be 10 decimal digits, got another "),
        (altered(75, "4294967296"), f"the key's unix_ts must be from 0 to {MAX_UINT32} (unsigned 32-bit)."),
        (altered(90, "B"), "the key's random must be 8 lower-case hexadecimal digits, got another "),
        (altered(102, "٣"), "the key's expired_ts must be 10 decimal digits, got another "),
        (
            altered(93, "9999999999"),
            f"the key's expired_ts must be from 0 to {MAX_UINT32} (unsigned 32-bit).",
        ),
    ],
)
def test_the_error_names_the_malformed_part_of_a_key(key: Any, sentence: str) -> None:
    assert sentence in refusal(parse, key)


@given(st.text() | st.builds(altered, st.integers(3, 102), st.text(string.hexdigits, max_size=40)))
def test_any_text_is_parsed_without_loss_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except SettingsError:
        return
    carried = f"{parsed.app_id}{parsed.unix_ts:010d}{parsed.random:08x}{parsed.expired_ts:010d}"
    assert text == f"004{parsed.signature}{carried}"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"app_certificate": CERTIFICATE[:31]}, "the App Certificate must be 32"),
        ({"channel": ""}, "the channel must be"),
        ({"uid": -1}, "uid must be"),
        ({"service": "XYZ"}, "service must be"),
    ],
)
def test_verification_with_malformed_arguments_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    arguments = {"app_certificate": CERTIFICATE, "channel": CHANNEL, "uid": UID} | wrong
    assert sentence in refusal(parse(PUBLISHED).verify, **arguments)


def test_swapped_arguments_are_not_shown() -> None:
    refusal(generate, CERTIFICATE, APP_ID, "")
    refusal(generate, APP_ID, CHANNEL, f"{CERTIFICATE}é")


def test_a_parsed_key_is_immutable_and_hides_its_signature() -> None:
    parsed = parse(PUBLISHED)
    with pytest.raises(FrozenInstanceError):
        parsed.unix_ts = 0  # type: ignore[misc]
    assert APP_ID in repr(parsed)
    assert SIGNATURES["ACS"] not in repr(parsed) + str(parsed)


def test_keys_are_generated_with_the_standard_library_only() -> None:
    """With -S, Python cannot import installed packages such as Airflow and pydantic."""
    program = (
        "from agora.client.channel_key import generate, parse\n"
        f"print(generate({APP_ID!r}, {CERTIFICATE!r}, {CHANNEL!r}, uid={UID}, **{CARRIED!r}), end='')\n"
    )
    completed = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(Path(agora.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.stdout, completed.stderr) == (PUBLISHED, "")
