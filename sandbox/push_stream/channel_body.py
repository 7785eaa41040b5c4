"""The body of a channel request: its fields and their validation."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from sandbox.http.requests import BodyError, decode_object

_CNAME = re.compile(r"[ -~]{1,64}")
_URL = re.compile(r"rtmps?://[!-~]+")
_LARGEST_UID = 2**32 - 1
_REQUIRED = frozenset({"cname", "channelkey"})


@dataclass(frozen=True)
class ChannelBody:
    """The decoded body.

    Attributes:
        cname: The channel name.
        channelkey: The Channel Key, not verified yet.
        urls: The stream URLs. None if the field is absent.
        uids: The hosts, in order. None if the field is absent.
    """

    cname: str
    channelkey: str = field(repr=False)
    urls: list[str] | None = None
    uids: list[int] | None = None


def read_channel_body(body: bytes, optional: Set[str]) -> ChannelBody:
    """Decode and validate a body. Error messages repeat no part of the body, because it contains a key.

    Args:
        body: The received bytes.
        optional: The optional fields of the endpoint. `cname` and `channelkey` are always required.

    Raises:
        BodyError: A field is missing, unknown or invalid.
    """
    given = decode_object(body)
    if not _REQUIRED <= given.keys() <= _REQUIRED | optional:
        names = ", ".join(sorted(_REQUIRED)) + "".join(f", optionally {name}" for name in sorted(optional))
        raise BodyError(f"The fields of the body must be {names}.")
    _require(
        isinstance(given["cname"], str) and _CNAME.fullmatch(given["cname"]),
        "cname must be a string of 1 to 64 printable ASCII characters.",
    )
    _require(isinstance(given["channelkey"], str), "channelkey must be a string.")
    _require(_is_list_of(given.get("urls", []), _is_url), "urls must be a list of rtmp:// or rtmps:// URLs.")
    _require(
        _is_list_of(given.get("uids", []), _is_uid),
        f"uids must be a list of integers from 1 to {_LARGEST_UID}.",
    )
    return ChannelBody(**given)


def _is_list_of(thing: Any, is_element: Any) -> bool:
    return isinstance(thing, list) and all(map(is_element, thing))


def _is_url(thing: Any) -> bool:
    return isinstance(thing, str) and _URL.fullmatch(thing) is not None


def _is_uid(thing: Any) -> bool:
    return isinstance(thing, int) and not isinstance(thing, bool) and 1 <= thing <= _LARGEST_UID


def _require(condition: object, message: str) -> None:
    if not condition:
        raise BodyError(message)
