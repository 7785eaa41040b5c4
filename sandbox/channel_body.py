"""The body of a channel call: which fields it has, and what each must hold."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from sandbox.request_body import BodyError, decode_object

_CNAME = re.compile(r"[ -~]{1,64}")
_URL = re.compile(r"rtmps?://[!-~]+")
_LARGEST_UID = 2**32 - 1
_ALWAYS = frozenset({"cname", "channelkey"})


@dataclass(frozen=True)
class ChannelBody:
    """What a channel call says.

    Attributes:
        cname: The channel's name.
        channelkey: The key, not checked yet.
        urls: Where the stream is to be pushed to; None where that is not said.
        uids: The hosts in their order; None where that is not said.
    """

    cname: str
    channelkey: str = field(repr=False)
    urls: list[str] | None = None
    uids: list[int] | None = None


def read_channel_body(body: bytes, optional: Set[str]) -> ChannelBody:
    """Reads a body; the reasons of a refusal repeat nothing of it, because it holds a key.

    Args:
        body: The bytes received.
        optional: Which fields the call has besides `cname` and `channelkey`.

    Raises:
        BodyError: It lacks a field, has one that the call does not have, or one holds what it may not hold.
    """
    given = decode_object(body)
    if not _ALWAYS <= given.keys() <= _ALWAYS | optional:
        names = ", ".join(sorted(_ALWAYS)) + "".join(f", optionally {name}" for name in sorted(optional))
        raise BodyError(f"The fields of the body are {names}.")
    _demand(
        isinstance(given["cname"], str) and _CNAME.fullmatch(given["cname"]),
        "cname is a text of 1 to 64 printable ASCII characters.",
    )
    _demand(isinstance(given["channelkey"], str), "channelkey is a text.")
    _demand(_is_list_of(given.get("urls", []), _is_url), "urls is a list of rtmp:// and rtmps:// addresses.")
    _demand(
        _is_list_of(given.get("uids", []), _is_uid), "uids is a list of whole numbers from 1 to 4294967295."
    )
    return ChannelBody(**given)


def _is_list_of(thing: Any, is_element: Any) -> bool:
    return isinstance(thing, list) and all(map(is_element, thing))


def _is_url(thing: Any) -> bool:
    return isinstance(thing, str) and _URL.fullmatch(thing) is not None


def _is_uid(thing: Any) -> bool:
    return isinstance(thing, int) and not isinstance(thing, bool) and 1 <= thing <= _LARGEST_UID


def _demand(holds: object, sentence: str) -> None:
    if not holds:
        raise BodyError(sentence)
