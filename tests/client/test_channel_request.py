"""Arguments of channel requests. An error names the position in the list and does not show the value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.client.channel_request import (
    CNAME_PATTERN,
    LEAST_UID,
    MOST_UID,
    URL_PATTERN,
    require_cname,
    require_uids,
    require_urls,
)
from agora.errors import SettingsError

pytestmark = pytest.mark.unit

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
STREAM_KEY = "stream-key-that-nobody-may-see"
INVALID_CNAMES: list[Any] = [
    *("", "x" * 65, "tab\t", "lobby\n", "\nlobby", "null\x00", "del\x7f", "café", "房间", "\ud800"),
    *(None, 7, b"lobby", ["lobby"]),
]
INVALID_URLS: list[Any] = [
    *("", "rtmp://", "rtmps://", "rtmp:///live", "rtmp:/a.example", "a.example/live", "//a.example/live"),
    *(
        "http://a.example/",
        "https://a.example/",
        "rtmpe://a.example/",
        "RTMP://a.example/",
        "rtmp//a.example",
    ),
    *(" rtmp://a.example/", "rtmp://a.example/ ", "rtmp://a.example/a b", "rtmp:// a.example/"),
    *("rtmp://a.example/\n", "\nrtmp://a.example/", "rtmp://a.example/\t", "rtmp://a.example/\x00"),
    *("rtmp://a.example/é", "rtmp://例.example/", "xrtmp://a.example/", None, 7, b"rtmp://a.example/"),
]
URLS = [
    *(
        "rtmp://a",
        "rtmps://a.example/1",
        "rtmp://a.example:1935/live/key?auth=1&x=%20#~",
        "rtmp://[::1]/live",
    ),
    *("rtmp://user:password@a.example/live", "rtmp://-"),
]
INVALID_UIDS: list[Any] = [
    *(0, -1, MOST_UID + 1, 2**64, 1.0, 1.5, True, False, "7", "", None, [7], float("nan"), float("inf")),
]


def refusal(call: Callable[[Any], Any], argument: object) -> str:
    with pytest.raises(SettingsError) as refused:
        call(argument)
    assert refused.value.__context__ is None
    return str(refused.value)


def test_a_channel_name_has_only_printable_ascii_characters() -> None:
    accepted = [character for character in EVERY_CHARACTER if is_accepted(require_cname, character)]
    assert "".join(accepted) == PRINTABLE


@pytest.mark.parametrize("length", [1, 2, 63, 64])
def test_a_channel_name_has_up_to_64_characters(length: int) -> None:
    assert require_cname("~" * length) == "~" * length


@pytest.mark.parametrize("cname", INVALID_CNAMES, ids=ascii)
def test_an_invalid_name_is_refused_with_the_rule(cname: object) -> None:
    assert refusal(require_cname, cname) == (
        "cname is not a channel name of 1 to 64 printable ASCII characters."
        " See docs/runbook.md#settings-error"
    )


@pytest.mark.parametrize("urls", [[], URLS, tuple(URLS), URLS[:1] * 2], ids=len)
def test_stream_urls_keep_their_order(urls: list[str]) -> None:
    assert require_urls(urls) == [*urls]


def test_the_returned_list_is_a_copy() -> None:
    urls, uids = [*URLS], [7]
    assert require_urls(urls) is not urls
    assert require_uids(uids) is not uids


@pytest.mark.parametrize("url", INVALID_URLS, ids=ascii)
def test_the_error_names_the_position_of_an_invalid_url(url: object) -> None:
    for position in (0, 2):
        error_text = refusal(require_urls, [*URLS[:position], url, URLS[0]])
        assert error_text.startswith(
            f"urls[{position}] is not a stream URL. It must begin with rtmp:// or rtmps://, contain a"
            " host, and contain no spaces."
        )


@pytest.mark.parametrize(
    "url", [f"rtmp://a.example/{STREAM_KEY} ", f"http://a.example/{STREAM_KEY}", STREAM_KEY, [STREAM_KEY]]
)
def test_the_error_does_not_show_the_url(url: object) -> None:
    assert STREAM_KEY not in refusal(require_urls, [url])


@pytest.mark.parametrize("urls", [None, "rtmp://a.example/1", {}, {"rtmp://a.example/1": 1}, 7, iter(URLS)])
def test_urls_must_be_a_list(urls: object) -> None:
    assert refusal(require_urls, urls).startswith("urls is not a list.")


def test_uids_keep_their_order() -> None:
    assert (LEAST_UID, MOST_UID) == (1, 4294967295)
    for uids in ([], [MOST_UID, LEAST_UID, 7, 7], (6496936, 6285261)):
        assert require_uids(uids) == [*uids]


@pytest.mark.parametrize("uid", INVALID_UIDS, ids=repr)
def test_the_error_names_the_position_of_an_invalid_uid(uid: object) -> None:
    for position in (0, 2):
        error_text = refusal(require_uids, [*[7] * position, uid, 7])
        assert error_text.startswith(f"uids[{position}] is not a whole number from 1 to 4294967295.")


@pytest.mark.parametrize("uids", [None, "7", 7, {7}, {7: 7}, range(3)])
def test_uids_must_be_a_list(uids: object) -> None:
    assert refusal(require_uids, uids).startswith("uids is not a list.")


def is_accepted(call: Callable[[Any], Any], argument: object) -> bool:
    try:
        call(argument)
    except SettingsError:
        return False
    return True


def form_accepts(pattern: str, text: str) -> bool:
    """Return whether a trigger form, which uses JSON Schema patterns, accepts a text."""
    schema = {"type": "string", "pattern": pattern}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(text))


# Python's patterns ignore a final line feed, and JavaScript's do not. They agree on all other texts.
TEXTS = st.text(max_size=70).filter(lambda text: not text.endswith("\n"))


@given(TEXTS | st.text(PRINTABLE, max_size=70))
def test_a_form_accepts_the_same_names_as_the_code(cname: str) -> None:
    assert form_accepts(CNAME_PATTERN, cname) == is_accepted(require_cname, cname)


@given(TEXTS | st.tuples(st.sampled_from(["rtmp://", "rtmps://", "rtmp:/"]), TEXTS).map("".join))
def test_a_form_accepts_the_same_urls_as_the_code(url: str) -> None:
    assert form_accepts(URL_PATTERN, url) == is_accepted(lambda text: require_urls([text]), url)


@pytest.mark.parametrize("url", URLS)
def test_a_form_accepts_every_valid_url(url: str) -> None:
    assert form_accepts(URL_PATTERN, url)
