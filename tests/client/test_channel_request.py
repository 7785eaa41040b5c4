"""What may be asked of a channel, and that a refusal names the place in the list and repeats nothing."""

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
NO_CNAMES: list[Any] = [
    *("", "x" * 65, "tab\t", "lobby\n", "\nlobby", "null\x00", "del\x7f", "café", "房间", "\ud800"),
    *(None, 7, b"lobby", ["lobby"]),
]
NO_URLS: list[Any] = [
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
NO_UIDS: list[Any] = [
    *(0, -1, MOST_UID + 1, 2**64, 1.0, 1.5, True, False, "7", "", None, [7], float("nan"), float("inf")),
]


def refusal(call: Callable[[Any], Any], argument: object) -> str:
    with pytest.raises(SettingsError) as refused:
        call(argument)
    assert refused.value.__context__ is None
    return str(refused.value)


def test_a_channel_name_has_printable_ascii_characters_only() -> None:
    accepted = [character for character in EVERY_CHARACTER if is_accepted(require_cname, character)]
    assert "".join(accepted) == PRINTABLE


@pytest.mark.parametrize("length", [1, 2, 63, 64])
def test_a_channel_name_has_up_to_64_characters(length: int) -> None:
    assert require_cname("~" * length) == "~" * length


@pytest.mark.parametrize("cname", NO_CNAMES, ids=ascii)
def test_another_name_is_refused_with_what_one_is(cname: object) -> None:
    assert refusal(require_cname, cname) == (
        "cname is not a channel name of 1 to 64 printable ASCII characters."
        " See docs/runbook.md#settings-error"
    )


@pytest.mark.parametrize("urls", [[], URLS, tuple(URLS), URLS[:1] * 2], ids=len)
def test_stream_urls_are_a_list_in_its_order(urls: list[str]) -> None:
    assert require_urls(urls) == [*urls]


def test_what_is_returned_is_a_list_of_its_own() -> None:
    urls, uids = [*URLS], [7]
    assert require_urls(urls) is not urls
    assert require_uids(uids) is not uids


@pytest.mark.parametrize("url", NO_URLS, ids=ascii)
def test_another_url_is_refused_by_its_place(url: object) -> None:
    for place in (0, 2):
        said = refusal(require_urls, [*URLS[:place], url, URLS[0]])
        assert said.startswith(
            f"urls[{place}] is not a stream URL. It must begin with rtmp:// or rtmps://, contain a"
            " host, and contain no spaces."
        )


@pytest.mark.parametrize(
    "url", [f"rtmp://a.example/{STREAM_KEY} ", f"http://a.example/{STREAM_KEY}", STREAM_KEY, [STREAM_KEY]]
)
def test_a_refused_url_is_not_repeated(url: object) -> None:
    assert STREAM_KEY not in refusal(require_urls, [url])


@pytest.mark.parametrize("urls", [None, "rtmp://a.example/1", {}, {"rtmp://a.example/1": 1}, 7, iter(URLS)])
def test_urls_that_are_no_list_are_refused(urls: object) -> None:
    assert refusal(require_urls, urls).startswith("urls is not a list.")


def test_uids_are_a_list_in_its_order() -> None:
    assert (LEAST_UID, MOST_UID) == (1, 4294967295)
    for uids in ([], [MOST_UID, LEAST_UID, 7, 7], (6496936, 6285261)):
        assert require_uids(uids) == [*uids]


@pytest.mark.parametrize("uid", NO_UIDS, ids=repr)
def test_another_uid_is_refused_by_its_place(uid: object) -> None:
    for place in (0, 2):
        said = refusal(require_uids, [*[7] * place, uid, 7])
        assert said.startswith(f"uids[{place}] is not a whole number from 1 to 4294967295.")


@pytest.mark.parametrize("uids", [None, "7", 7, {7}, {7: 7}, range(3)])
def test_uids_that_are_no_list_are_refused(uids: object) -> None:
    assert refusal(require_uids, uids).startswith("uids is not a list.")


def is_accepted(call: Callable[[Any], Any], argument: object) -> bool:
    try:
        call(argument)
    except SettingsError:
        return False
    return True


def fits_a_form(pattern: str, text: str) -> bool:
    """Check a text as a trigger form does, which has JSON Schema's patterns."""
    schema = {"type": "string", "pattern": pattern}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(text))


# A line feed at the very end is the one thing that Python's patterns let pass and JavaScript's do not.
TEXTS = st.text(max_size=70).filter(lambda text: not text.endswith("\n"))


@given(TEXTS | st.text(PRINTABLE, max_size=70))
def test_a_form_takes_the_names_that_are_accepted(cname: str) -> None:
    assert fits_a_form(CNAME_PATTERN, cname) == is_accepted(require_cname, cname)


@given(TEXTS | st.tuples(st.sampled_from(["rtmp://", "rtmps://", "rtmp:/"]), TEXTS).map("".join))
def test_a_form_takes_the_urls_that_are_accepted(url: str) -> None:
    assert fits_a_form(URL_PATTERN, url) == is_accepted(lambda text: require_urls([text]), url)


@pytest.mark.parametrize("url", URLS)
def test_a_form_takes_every_url_of_the_tests_above(url: str) -> None:
    assert fits_a_form(URL_PATTERN, url)
