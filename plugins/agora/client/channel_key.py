"""Generate, parse and verify version 004 Channel Keys, the passwords for the push-stream API.

A key has 103 ASCII characters: `004`, signature (40 lower-case hexadecimal digits), App ID (32), unix_ts (10
decimal digits), random (8 lower-case hexadecimal digits), expired_ts (10). The channel, uid and service
are signed but are not part of the key. Source: the vendor's DynamicKey4. The vendor's bypass push-stream
document shows such a key and requires uid 0.

A key is valid for five minutes, so no message or repr contains a key. Messages contain no other input either,
because App IDs and App Certificates look alike and are easily confused.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from agora.errors import SettingsError

VERSION = "004"
SERVICES = ("ACS", "ARS", "APSS")  # media channel (used by Channel Keys), recording, sharing
MOST_UNSIGNED = 2**32 - 1


class Shape(NamedTuple):
    """Permitted length and characters of a string.

    `allowed` is a range in a regular expression. `called` is its description in messages.
    """

    least: int
    most: int
    allowed: str
    called: str


HEX_32 = Shape(32, 32, "0-9a-fA-F", "hexadecimal digits")
# The vendor's DynamicKey4: "limited to 64 bytes and should be printable ASCII characters".
CHANNEL = Shape(1, 64, " -~", "printable ASCII characters")
DECIMAL_10 = Shape(10, 10, "0-9", "decimal digits")
PARTS = {  # parts of a key, after the version
    "signature": Shape(40, 40, "0-9a-f", "lower-case hexadecimal digits"),
    "app_id": HEX_32,
    "unix_ts": DECIMAL_10,
    "random": Shape(8, 8, "0-9a-f", "lower-case hexadecimal digits"),
    "expired_ts": DECIMAL_10,
}
KEY_LENGTH = len(VERSION) + sum(shape.most for shape in PARTS.values())


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """Contents of a Channel Key, as returned by `parse`.

    Attributes:
        app_id: App ID in the key.
        unix_ts: Creation time in seconds since 1970 UTC. The vendor accepts the key for five minutes.
        random: Salt, an unsigned 32-bit number.
        expired_ts: End of the granted service in seconds since 1970 UTC. 0 means no end.
        signature: 40 lower-case hexadecimal digits. Omitted from the repr, because they would reveal the key.
    """

    app_id: str
    unix_ts: int
    random: int
    expired_ts: int
    signature: str = field(repr=False)

    def verify(self, app_certificate: str, channel: str, *, uid: int = 0, service: str = "ACS") -> bool:
        """Return whether this certificate signed the key for this channel, uid and service.

        The age of the key is not checked. The comparison takes constant time.

        Raises:
            SettingsError: An argument is malformed, as in `generate`.
        """
        signature = _signature(
            app_certificate, service, self.app_id, self.unix_ts, self.random, channel, uid, self.expired_ts
        )
        return hmac.compare_digest(signature, self.signature)


def generate(
    app_id: str,
    app_certificate: str,
    channel: str,
    *,
    uid: int = 0,
    service: str = "ACS",
    unix_ts: int | None = None,
    random: int | None = None,
    expired_ts: int = 0,
) -> str:
    """Return a new key of 103 ASCII characters.

    Args:
        app_id: 32 hexadecimal digits.
        app_certificate: The app's secret, 32 hexadecimal digits.
        channel: The channel's name, 1 to 64 printable ASCII characters.
        uid: User ID, an unsigned 32-bit integer. The push-stream API requires 0.
        service: `ACS` (media channel), `ARS` (recording) or `APSS` (sharing).
        unix_ts: Creation time in seconds since 1970 UTC, an unsigned 32-bit integer. Default: now.
        random: Salt, an unsigned 32-bit integer. Default: a new, unpredictable salt.
        expired_ts: End of the granted service in seconds since 1970 UTC, an unsigned 32-bit integer. 0 means
            no end.

    Raises:
        SettingsError: An argument is not valid. The message names the argument without its value.
    """
    unix_ts = int(time.time()) if unix_ts is None else unix_ts
    random = secrets.randbits(32) if random is None else random
    signature = _signature(app_certificate, service, app_id, unix_ts, random, channel, uid, expired_ts)
    return f"{VERSION}{signature}{app_id}{unix_ts:010d}{random:08x}{expired_ts:010d}"


def parse(key: str) -> ChannelKey:
    """Parse a key without checking its signature. `ChannelKey.verify` checks the signature.

    Raises:
        SettingsError: The string is not a version 004 key. The message names the invalid part without its
            value.
    """
    if not isinstance(key, str) or not key.startswith(VERSION):
        raise SettingsError(f"Channel Key: a key must be a string that begins with {VERSION}.")
    if len(key) != KEY_LENGTH:
        raise SettingsError(f"Channel Key: a key must have {KEY_LENGTH} characters, got {len(key)}.")
    parts, start = {}, len(VERSION)
    for name, shape in PARTS.items():
        parts[name] = key[start : start + shape.most]
        _require_shape(f"the key's {name}", parts[name], shape)
        start += shape.most
    unix_ts, expired_ts = int(parts["unix_ts"]), int(parts["expired_ts"])
    _require_unsigned("the key's unix_ts", unix_ts)
    _require_unsigned("the key's expired_ts", expired_ts)
    return ChannelKey(parts["app_id"], unix_ts, int(parts["random"], 16), expired_ts, parts["signature"])


def _signature(
    app_certificate: str,
    service: str,
    app_id: str,
    unix_ts: int,
    random: int,
    channel: str,
    uid: int,
    expired_ts: int,
) -> str:
    """Sign the other arguments with the certificate (HMAC-SHA1). Return 40 lower-case hexadecimal digits."""
    _require_shape("the App Certificate", app_certificate, HEX_32)
    _require_shape("the App ID", app_id, HEX_32)
    _require_shape("the channel", channel, CHANNEL)
    if service not in SERVICES:
        raise SettingsError(f"Channel Key: service must be one of {', '.join(SERVICES)}.")
    for name, number in (("uid", uid), ("unix_ts", unix_ts), ("random", random), ("expired_ts", expired_ts)):
        _require_unsigned(name, number)
    # The vendor pads shorter App IDs with NUL. An App ID of 32 digits needs no padding.
    signed = f"{service}{app_id}{unix_ts:010d}{random:08x}{channel}{uid:010d}{expired_ts:010d}"
    # The HMAC key is the certificate's text, not the 16 bytes that its digits encode.
    return hmac.digest(app_certificate.encode(), signed.encode(), "sha1").hex()


def _require_shape(name: str, text: object, shape: Shape) -> None:
    if not isinstance(text, str):
        got = type(text).__name__
    elif not shape.least <= len(text) <= shape.most:
        got = f"{len(text)} characters"
    elif other := re.search(f"[^{shape.allowed}]", text):
        got = f"another character at position {other.start() + 1}"
    else:
        return
    count = str(shape.most) if shape.least == shape.most else f"{shape.least} to {shape.most}"
    raise SettingsError(f"Channel Key: {name} must be {count} {shape.called}, got {got}.")


def _require_unsigned(name: str, number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool):
        raise SettingsError(f"Channel Key: {name} must be a whole number, got {type(number).__name__}.")
    if not 0 <= number <= MOST_UNSIGNED:
        raise SettingsError(f"Channel Key: {name} must be from 0 to {MOST_UNSIGNED} (unsigned 32-bit).")
