"""The check of a Channel Key, version 004: what a call of the push-stream API takes for a password.

A key is 103 characters: `004`, signature (40 lower-case hexadecimal digits), App ID (32), unix_ts (10 decimal
digits), random (8 lower-case hexadecimal digits) and expired_ts (10 decimal digits, 0 for none). The
signature is an HMAC-SHA1 keyed with the text of the App Certificate. Service, channel and uid are signed and
not carried; here they are ACS, the channel of the call, and 0, which the push-stream API wants.

No reason of a refusal repeats any part of the key: whoever holds one may use it for five minutes.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

FRESH_SECONDS = 300
_SERVICE = b"ACS"
_UID = b"%010d" % 0
_FORM = re.compile(
    r"004(?P<signature>[0-9a-f]{40})(?P<app_id>[0-9A-Za-z]{32})"
    r"(?P<unix_ts>[0-9]{10})(?P<random>[0-9a-f]{8})(?P<expired_ts>[0-9]{10})"
)


class KeyRefusedError(ValueError):
    """A key is not good for the call; the sentence says why, for the sandbox's log and not for the caller."""


@dataclass(frozen=True)
class Admission:
    """What a good key tells of its caller.

    Attributes:
        app_id: The app that it was made for.
        key_age_seconds: How long ago it was made; below zero where the maker's clock is ahead.
    """

    app_id: str
    key_age_seconds: float


def admit(key: str, channel: str, certificate_of: Callable[[str], str | None], unix_now: float) -> Admission:
    """Checks a key: form, App ID, signature, age, and the time at which it expires.

    Args:
        key: What the caller sent.
        channel: The channel that the call is about.
        certificate_of: Gives the App Certificate of an App ID, and None of one the account does not have.
        unix_now: The time in seconds since 1970.

    Raises:
        KeyRefusedError: It is not good for this channel at this time.
    """
    form = _FORM.fullmatch(key)
    if form is None:
        raise KeyRefusedError("The key is not of version 004's form.")
    certificate = certificate_of(form["app_id"])
    if certificate is None:
        raise KeyRefusedError("The key's App ID is not in this account.")
    if not hmac.compare_digest(form["signature"], _signature(form, channel, certificate)):
        raise KeyRefusedError("The key is signed for another channel, service or uid, or not by this app.")
    age = unix_now - int(form["unix_ts"])
    if abs(age) > FRESH_SECONDS:
        made = "ago" if age > 0 else "ahead"
        raise KeyRefusedError(f"The key's time is more than {FRESH_SECONDS} seconds {made}.")
    expired_ts = int(form["expired_ts"])
    if 0 < expired_ts < unix_now:
        raise KeyRefusedError("The key has expired.")
    return Admission(form["app_id"], age)


def _signature(form: re.Match[str], channel: str, certificate: str) -> str:
    signed = b"".join(
        [
            _SERVICE,
            form["app_id"].encode().rjust(32, b"\0"),
            form["unix_ts"].encode(),
            form["random"].encode(),
            channel.encode(),
            _UID,
            form["expired_ts"].encode(),
        ]
    )
    return hmac.digest(certificate.encode(), signed, "sha1").hex()
