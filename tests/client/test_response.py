"""The vendor's message, in whatever format it arrives."""

from __future__ import annotations

import html
import json
import re
import sys
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from agora.client.mask_secrets import ESCAPE, mask_secrets
from agora.client.response import Response

pytestmark = pytest.mark.unit


def message_in(body: bytes) -> str:
    return Response(400, body, datetime(2026, 11, 1, tzinfo=UTC)).message()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "date out of range"}', "date out of range"),
        (b'{"error_msg": "wrong date"}', "wrong date"),
        (b'{"code": 300, "message": "10 qps limit error", "data": null}', "10 qps limit error"),
        ('{"message": "超出范围"}'.encode(), "超出范围"),
        (b'{"code": 7}', '{"code": 7}'),
        (b'["a", "b"]', '["a", "b"]'),
        (b"<html>\n  <h1>Bad   Gateway</h1>\n</html>", "<html> <h1>Bad Gateway</h1> </html>"),
        (b"<html><head>\n <TITLE>ERROR: no\n route</TITLE></head><body>x", "ERROR: no route"),
        (b"", "no message"),
        (b"  \n ", "no message"),
        (b'{"message": ""}', '{"message": ""}'),
        (b'{"message": null, "error_msg": "x"}', "x"),
        (b'{"message": {"deep": 1}}', "{'deep': 1}"),
        (b"\xff\xfe\x00", "��"),
    ],
)
def test_the_message_is_found(body: bytes, message: str) -> None:
    assert message_in(body) == message


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "before\\u0000after"}',
        b"before\x00after",
        b'{"message": "before\\n\\r\\t\\u001b[31mafter"}',
        b'{"message": "before\\u2028after"}',
    ],
)
def test_the_message_is_printable(body: bytes) -> None:
    message = message_in(body)
    assert message.isprintable()
    assert message.startswith("before")


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
def test_the_message_has_at_most_200_characters(body: bytes) -> None:
    assert 1 <= len(message_in(body)) <= 200


def test_an_echoed_secret_is_masked() -> None:
    body = b'{"message": "bad header Authorization: Basic YTpzZWNyZXQ= of secret"}'
    response = Response(403, body, datetime(2026, 11, 1, tzinfo=UTC), secrets=("YTpzZWNyZXQ=", "secret"))
    assert response.message() == "bad header Authorization: Basic *** of ***"
    assert "YTpzZWNyZXQ=" not in repr(replace(response, body=b""))


CERTIFICATE = """a"b'c/d\\e<f>&g h+i%25=é超😀-~"""
TOKEN = b64encode(f"customer:{CERTIFICATE}>>>???".encode()).decode()
ESCAPES = {
    "plain": str,
    "json": lambda s: json.dumps(s)[1:-1],
    "json in upper case": lambda s: json.dumps(s)[1:-1].replace("\\ud83d\\ude00", "\\uD83D\\uDE00"),
    "json with unicode": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json with slashes": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "json escape for each character": lambda s: "".join(
        f"\\u{ord(c):04X}" if ord(c) < 65536 else c for c in s
    ),
    "percent": lambda s: quote(s, safe=""),
    "percent except slashes": quote,
    "percent in lower case": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "plus": quote_plus,
    "html": html.escape,
    "html decimal": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "html hexadecimal": lambda s: "".join(f"&#X{ord(c):04X};" for c in s),
    "html named": lambda s: s.replace("&", "&amp;").replace("'", "&apos;").replace("/", "&sol;"),
    "repr": lambda s: repr({"x": s})[7:-2],
    "html in json": lambda s: html.escape(s).replace("é", "\\u00e9"),
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "html twice": lambda s: html.escape(html.escape(s)),
    "json twice": lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    "json in percent in html": lambda s: html.escape(quote(json.dumps(s)[1:-1], safe="")),
    "Python bytes": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "code points in braces": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s),
    "percent and u": lambda s: "".join(f"%u{ord(c):04x}" if ord(c) < 65536 else c for c in s),
    "quoted-printable": lambda s: "".join(f"={byte:02X}" for byte in s.encode()),
    "octal": lambda s: "".join(f"\\{byte:03o}" for byte in s.encode()),
    "full-width": lambda s: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in s),
    "a line break": lambda s: f"{s[:11]}\r\n {s[11:]}",
    "an escaped line break": lambda s: quote(f"{s[:11]}\r\n{s[11:]}", safe=""),
    "an HTML line break": lambda s: f"{s[:11]}<wbr>{s[11:]}",
}


@pytest.mark.parametrize("secret", [CERTIFICATE, TOKEN], ids=["certificate", "token"])
@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_an_escaped_secret_is_masked(secret: str, escape: Callable[[str], str]) -> None:
    echo = escape(secret)
    for cut in (0, 1, 2, 5):
        body = f"before {echo}{' after' if not cut else ''}".encode("utf-8", "surrogatepass")
        body = body.decode().removesuffix(echo[-cut:] if cut else "").encode()
        response = Response(403, body, datetime(2026, 11, 1, tzinfo=UTC), secrets=(secret,))
        assert response.message() == ("before ***" if cut else "before *** after")


def test_other_text_is_unchanged() -> None:
    response = Response(403, b"before %41 after", datetime(2026, 11, 1, tzinfo=UTC), secrets=(CERTIFICATE,))
    assert response.message() == "before %41 after"


HEXADECIMAL = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize("secret", [HEXADECIMAL, CERTIFICATE], ids=["hexadecimal", "certificate"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda s: b64encode(s).decode(),
        lambda s: b64encode(b"id:" + s + b":x").decode().rstrip("="),
        lambda s: urlsafe_b64encode(b"customer" + s).decode().rstrip("="),
        lambda s: quote(b64encode(b"i:" + s).decode(), safe=""),
        lambda s: encodebytes(s * 2).decode(),
        lambda s: s.hex(),
        lambda s: s.hex(":").upper(),
    ],
)
def test_an_encoded_secret_is_masked(secret: str, encode: Callable[[bytes], str]) -> None:
    echo = encode(secret.encode())
    response = Response(403, f"of {echo}.".encode(), datetime(2026, 11, 1, tzinfo=UTC), secrets=(secret,))
    message = response.message()
    assert "***" in message
    pieces = (echo[at : at + 12] for at in range(len(echo) - 11))
    assert not [piece for piece in pieces if piece in message]


@pytest.mark.parametrize(
    "text",
    [
        HEXADECIMAL.upper(),
        HEXADECIMAL[3:20],
        "-".join(re.findall(".{8}", HEXADECIMAL)),
        " ".join(HEXADECIMAL),
        "\\n".join(re.findall(".{4}", HEXADECIMAL)),
        "\u200b".join(HEXADECIMAL),
    ],
)
def test_a_hexadecimal_secret_is_masked_in_any_case_and_in_pieces(text: str) -> None:
    response = Response(
        403, f"bad {text}!".encode(), datetime(2026, 11, 1, tzinfo=UTC), secrets=(HEXADECIMAL,)
    )
    assert response.message() == "bad ***!"


@pytest.mark.parametrize("secret", ["p@$$!!w0#%%", "密码密码密码密码", "a=3D=3D=3D=3D"])
def test_a_secret_with_symbols_is_masked_and_nothing_else_is(secret: str) -> None:
    body = f"before {secret} or {quote(secret, safe='')} after, p = 100 %".encode()
    response = Response(403, body, datetime(2026, 11, 1, tzinfo=UTC), secrets=(secret,))
    assert response.message() == "before *** or *** after, p = 100 %"


@pytest.mark.parametrize("secret", ["        ", "\\\\\\\\\\\\\\\\", "++++++++"])
def test_a_secret_of_filler_characters_masks_nothing(secret: str) -> None:
    response = Response(403, b"some normal text", datetime(2026, 11, 1, tzinfo=UTC), secrets=(secret,))
    assert response.message() == "some normal text"


@pytest.mark.parametrize(
    "text", ["%25", "&amp;", "&#0", "\\", "=", "<br ", f"{HEXADECIMAL[:8]}-", f"{HEXADECIMAL} ", "é"]
)
@pytest.mark.parametrize("secret", [HEXADECIMAL, f"{HEXADECIMAL[:8]}------------"])
def test_the_work_of_masking_is_proportional_to_the_text(secret: str, text: str) -> None:
    mask_secrets((secret,), text)  # computes the pieces of the secret, which are then cached
    short, long = (text * 500)[:500], (text * 4000)[:4000]
    least = lines_run(lambda: mask_secrets((secret,), short))
    assert least < lines_run(lambda: mask_secrets((secret,), long)) < 8 * least + 500


def lines_run(call: Callable[[], object]) -> int:
    """Count the lines of Python that a call runs, including every iteration of a loop."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def test_the_escape_pattern_has_no_unbounded_repetition() -> None:
    # A count of lines does not show how far a pattern looks ahead.
    assert not re.search(rb"(?<!\\)[*+]|\{\d*,\}", ESCAPE.pattern)
