"""The vendor's own words, whatever shape they come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agora.vendor.answer import Answer


def said(body: bytes) -> str:
    return Answer(400, body, datetime(2026, 11, 1, tzinfo=UTC)).said()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "date out of range"}', "date out of range"),
        (b'{"error_msg": "wrong date"}', "wrong date"),
        (b'{"code": 300, "message": "10 qps limit error", "data": null}', "10 qps limit error"),
        ('{"message": "超出范围"}'.encode(), "超出范围"),
        (b'{"code": 7}', '{"code": 7}'),
        (b'["a", "b"]', '["a", "b"]'),
        (b"<html>\n  <h1>Bad   Gateway</h1>\n</html>", "<html> <h1>Bad Gateway</h1> </html>"),
        (b"", "nothing"),
        (b"  \n ", "nothing"),
        (b'{"message": ""}', '{"message": ""}'),
        (b'{"message": null, "error_msg": "x"}', "x"),
        (b'{"message": {"deep": 1}}', "{'deep': 1}"),
        (b"\xff\xfe\x00", "��"),
    ],
)
def test_what_the_vendor_said(body: bytes, words: str) -> None:
    assert said(body) == words


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "before\\u0000after"}',
        b"before\x00after",
        b'{"message": "before\\n\\r\\t\\u001b[31mafter"}',
        b'{"message": "before\\u2028after"}',
    ],
)
def test_nothing_unprintable_is_repeated(body: bytes) -> None:
    words = said(body)
    assert words.isprintable()
    assert words.startswith("before")


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "' + b"x" * 10_000 + b'"}',
        b"y" * 1_000_000,
        "超".encode() * 5_000,
        b"[" * 100_000,
        b'{"message": ' + b"1" * 10_000 + b"}",
    ],
)
def test_at_most_200_characters_are_repeated(body: bytes) -> None:
    assert 1 <= len(said(body)) <= 200


def test_what_was_sent_is_not_repeated_whoever_says_it() -> None:
    body = b'{"message": "bad header Authorization: Basic YTpzZWNyZXQ= of secret"}'
    answer = Answer(403, body, datetime(2026, 11, 1, tzinfo=UTC), secrets=("YTpzZWNyZXQ=", "secret"))
    assert answer.said() == "bad header Authorization: Basic *** of ***"
    assert "YTpzZWNyZXQ=" not in repr(replace(answer, body=b""))
