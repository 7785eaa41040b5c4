"""Mask secrets in text from a server, even if the text encodes or escapes them."""

from __future__ import annotations

import html
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache

LEAST_SECRET_CHARACTERS = 8  # a certificate has 32; a shorter string could be a word
MOST_UNESCAPED = 3  # levels, as if a gateway quotes a proxy that quotes the vendor
# Escapes in URLs, JSON, Python, JavaScript, HTML and quoted-printable, and a truncated escape.
ESCAPE = re.compile(
    rb"(?:%|=|\\x)(?P<byte>[\da-fA-F]{2})"
    rb"|[\\%][uU](?P<pair>[dD][89abAB][\da-fA-F]{2})\\[uU](?P<low>[dD][c-fC-F][\da-fA-F]{2})"
    rb"|[\\%]u(?P<unit>[\da-fA-F]{4})|\\U(?P<long>[\da-fA-F]{8})|\\u\{(?P<braced>[\da-fA-F]{1,6})\}"
    rb"|\\(?P<octal>[0-3][0-7]{2})"
    rb"|(?P<line_break></?w?br\s{0,9}/?>|\\[nrtfv])"
    rb"|(?P<cut>(?:[\\%=][uUx]?[\da-fA-F{]{0,7}|&#?\w{0,9})\Z)"
    rb"|(?P<entity>&(?:#0{0,9}\d{1,7}|#[xX]0{0,9}[\da-fA-F]{1,6}|[a-zA-Z]\w{1,31});?)"
)
CUT = b"\0"
BLANK = b" \t\r\n\v\f"
Spans = list[tuple[int, int]]


def mask_secrets(secrets: Iterable[str], text: str) -> str:
    """Replace secrets in text with asterisks, in linear time.

    Any eight consecutive letters and digits of a secret are masked in upper or lower case. They are also
    masked if other characters separate them, if they are escaped up to three times, or if they are encoded in
    Base64 or hexadecimal.
    """
    levels = list(_levels(text))
    found = sorted(
        span
        for secret in filter(None, secrets)
        for content, places in levels
        for span in _found(secret, content, places)
    )
    pieces: list[str] = []
    at = 0
    for start, end in found:
        if start > at or not pieces:
            pieces += [text[at:start], "***"]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _levels(text: str) -> Iterator[tuple[bytes, Spans]]:
    """Yield text as UTF-8 with each byte's source position, unescaped by one more level each time."""
    parts = [_folded(character) for character in text]
    content = b"".join(parts)
    places = [(place, place + 1) for place, part in enumerate(parts) for _ in part]
    yield content, places
    for _ in range(MOST_UNESCAPED):
        unescaped, at = bytearray(), 0
        origins: Spans = []
        for escape in ESCAPE.finditer(content):
            start, end = escape.span()
            character = _unescaped(escape)
            unescaped += content[at:start] + character
            origins += places[at:start] + [(places[start][0], places[end - 1][1])] * len(character)
            at = end
        if not at:
            return
        content, places = bytes(unescaped + content[at:]), origins + places[at:]
        yield content, places


def _folded(character: str) -> bytes:
    """Return a character as UTF-8. Full-width letters and digits become their ASCII forms."""
    plain = character if character.isascii() else unicodedata.normalize("NFKC", character)
    return (plain if plain.isalnum() and plain.isascii() else character).encode("utf-8", "replace")


def _unescaped(escape: re.Match[bytes]) -> bytes:
    kind, value = escape.lastgroup, escape[escape.lastgroup or 0]
    if kind == "byte":
        return bytes.fromhex(value.decode())
    if kind == "octal":
        return bytes([int(value, 8)])
    if kind == "low":
        pair = bytes.fromhex((escape["pair"] + value).decode())
        return pair.decode("utf-16-be").encode()
    if kind == "entity":
        return b"".join(map(_folded, html.unescape(value.decode()))) or CUT
    if kind in ("unit", "long", "braced") and (code := int(value, 16)) < 0x110000 and code >> 11 != 0x1B:
        return _folded(chr(code))
    return CUT


def _found(secret: str, content: bytes, places: Spans) -> Iterator[tuple[int, int]]:
    """Yield the positions at which a secret, or a piece of the secret, occurs in the text."""
    noise, edges, size, pieces = _pieces(secret)
    kept = [at for at, byte in enumerate(content) if byte not in noise]
    letters = bytes(content[at] for at in kept).lower()
    runs: list[list[int]] = []
    for first in range(len(letters) - size + 1):
        if letters[first : first + size] in pieces:
            if runs and first <= runs[-1][1]:
                runs[-1][1] = first + size - 1
            else:
                runs.append([first, first + size - 1])
    for first, last in runs:
        start, end = kept[first], kept[last]
        while start and content[start - 1] in edges:
            start -= 1
        while end + 1 < len(content) and content[end + 1] in edges:
            end += 1
        yield places[start][0], places[end][1]


@lru_cache(maxsize=64)
def _pieces(secret: str) -> tuple[frozenset[int], frozenset[int], int, frozenset[bytes]]:
    """Return the bytes to skip, the skipped bytes to mask next to a piece, the piece size and the pieces."""
    plain = secret.encode("utf-8", "replace")
    noise = frozenset(byte for byte in range(256) if not (byte < 128 and chr(byte).isalnum()))
    enough = min(LEAST_SECRET_CHARACTERS, len(secret))
    # A secret of mostly signs, or in another script: skip little more than blanks.
    if sum(byte not in noise for byte in plain) < enough:
        noise = frozenset(BLANK + b"\\+" + CUT)
    signs = noise.intersection(plain).difference(BLANK)
    edges = noise.intersection(b'"\\') | signs | {*CUT} if signs else frozenset(CUT)
    spellings = [content for content, _ in _levels(secret)]
    encoded = [b64encode(bytes(shift) + plain) for shift in range(3)]
    forms = [
        bytes(byte for byte in form if byte not in noise).lower()
        for form in (*spellings, *encoded, plain.hex().encode())
    ]
    size = min(enough, len(forms[0]))
    pieces = {form[at : at + size] for form in forms for at in range(len(form) - size + 1)} - {b""}
    return noise, edges, size, frozenset(pieces)
