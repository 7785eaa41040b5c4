"""Verification of version 004 Channel Keys, which authenticate channel requests.

A key has 103 characters: `004`, signature (40 lower-case hexadecimal digits), App ID (32), unix_ts (10
decimal digits), random (8 lower-case hexadecimal digits) and expired_ts (10 decimal digits, 0 for none). The
signature is an HMAC-SHA1 whose key is the App Certificate as text. The signature also covers the service, the
channel and the uid, which the Channel Key does not contain. The service is ACS, the channel is the request's,
and the uid is 0, as the push-stream API requires.

Refusal messages repeat no part of the Channel Key, because a key is usable for five minutes.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

MOST_AGE_SECONDS = 300
_SERVICE = b"ACS"
_UID = b"%010d" % 0
_FORM = re.compile(
    r"004(?P<signature>[0-9a-f]{40})(?P<app_id>[0-9A-Za-z]{32})"
    r"(?P<unix_ts>[0-9]{10})(?P<random>[0-9a-f]{8})(?P<expired_ts>[0-9]{10})"
)


class InvalidChannelKeyError(ValueError):
    """A Channel Key is invalid. The message is for the sandbox's log, not for the client."""


@dataclass(frozen=True)
class ValidChannelKey:
    """The contents of a valid Channel Key.

    Attributes:
        app_id: The App ID.
        age_seconds: The age of the key. Negative if the client's clock is ahead.
    """

    app_id: str
    age_seconds: float


def verify_channel_key(
    key: str, channel: str, certificate_of: Callable[[str], str | None], unix_now: float
) -> ValidChannelKey:
    """Verify the form, App ID, signature, age and expiry of a Channel Key.

    Args:
        key: The Channel Key.
        channel: The channel name of the request.
        certificate_of: A function that returns an app's App Certificate, or None if the account does not have
            the app.
        unix_now: The time in seconds since 1970.

    Raises:
        InvalidChannelKeyError: The Channel Key is not valid for this channel at this time.
    """
    form = _FORM.fullmatch(key)
    if form is None:
        raise InvalidChannelKeyError("The key does not have the format of version 004.")
    certificate = certificate_of(form["app_id"])
    if certificate is None:
        raise InvalidChannelKeyError("The key's App ID is not in this account.")
    if not hmac.compare_digest(form["signature"], _signature(form, channel, certificate)):
        raise InvalidChannelKeyError(
            "The key was signed for another channel, service or uid, or not by this app."
        )
    age = unix_now - int(form["unix_ts"])
    if abs(age) > MOST_AGE_SECONDS:
        side = "in the past" if age > 0 else "in the future"
        raise InvalidChannelKeyError(f"The key's time is more than {MOST_AGE_SECONDS} seconds {side}.")
    expired_ts = int(form["expired_ts"])
    if 0 < expired_ts < unix_now:
        raise InvalidChannelKeyError("The key has expired.")
    return ValidChannelKey(form["app_id"], age)


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
