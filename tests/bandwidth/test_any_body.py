"""Every generated body is either rejected or decoded to the same points as by the reference decoder."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agora.bandwidth.decode import KBPS_PER_UNIT, MOST_KBPS, decode
from agora.bandwidth.normalise import Outcome, normalise
from agora.domain import LABELS
from agora.errors import ResponseRejected
from tests.bandwidth.poison import POISON
from tests.bandwidth.reference_decoder import Refused, reference_decode
from tests.bandwidth.response_bodies import DAY, body, with_points

pytestmark = pytest.mark.unit

MAX_MESSAGE_LENGTH = 300

POINTS = st.dictionaries(
    st.sampled_from(LABELS),
    st.integers(0, int(MOST_KBPS)) | st.floats(0, MOST_KBPS, allow_nan=False),
    max_size=288,
)
# Sequences that random bytes would hardly ever form.
PIECES = st.sampled_from(
    [
        *(b'"00:00"', b'"00:05": 9, ', b'"\\u00300:00": 1, ', b'"00\\u003a00"', b'"date": "2026-11-01", '),
        *(b"-", b"NaN", b"1e400", b"null", b"true", b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\x00"),
        *(b"\xff", b"kbps", b"Mbps", b'"unit"', b"24:00", b"e", b".", b"0", b"9" * 400, b"\xef\xbb\xbf", b""),
        *(
            b'"unit": "kbps", ',
            b'"value": {}, ',
            b'{"value": {"00:00": 1, ',
            b"-1e-400",
            b"1e-400",
            b"\\ud800",
        ),
    ]
)
EDIT = st.tuples(st.integers(0, 10_000), st.integers(0, 12), PIECES | st.binary(max_size=3))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NEARLY_VALID = st.fixed_dictionaries(
    {},
    optional={
        "date": JSON | st.just("2026-11-01"),
        "unit": JSON | st.sampled_from(sorted(KBPS_PER_UNIT)),
        "value": JSON | POINTS | st.dictionaries(st.sampled_from(LABELS) | st.text(), JSON, max_size=5),
        "more": JSON,
    },
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    unit = draw(st.sampled_from(sorted(KBPS_PER_UNIT)))
    changed = body(draw(POINTS), unit=unit) if draw(st.booleans()) else body()
    for at, removed, inserted in draw(st.lists(EDIT, min_size=1, max_size=4)):
        start = at % (len(changed) + 1)
        changed = changed[:start] + inserted + changed[start + removed :]
    return changed


NUMBER_FORMATS = (
    st.integers(0, int(MOST_KBPS)).map(str)
    | st.floats(0, 1e5).map(repr)
    | st.from_regex(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,20})?([eE][+-]?[0-9])?", fullmatch=True)
    | st.sampled_from(
        ["-0", "-0.0", "1e11", "1E+5", "1e-400", "-1e-400", "5e-324", "0.1000", "99999999999.9"]
    )
)
BLANKS = st.text(" \t\r\n", max_size=2)


@st.composite
def formatted(draw: st.DrawFn) -> bytes:
    """Format a day in any way that JSON permits, sometimes with duplicates or errors."""

    def text(plain: str) -> str:
        escaped = draw(st.sets(st.integers(0, len(plain) - 1), max_size=2))
        return "".join(f"\\u{ord(c):04x}" if at in escaped else c for at, c in enumerate(plain))

    def an_object(pairs: list[tuple[str, str]]) -> str:
        blank = draw(BLANKS)
        return (
            f"{{{blank}" + f",{blank}".join(f'"{text(k)}"{blank}:{blank}{v}' for k, v in pairs) + f"{blank}}}"
        )

    labels = draw(st.lists(st.sampled_from(LABELS), max_size=8, unique=not draw(st.booleans())))
    points = [(label, draw(NUMBER_FORMATS)) for label in labels]
    unit = draw(st.sampled_from(sorted(KBPS_PER_UNIT)))
    keys = [("date", f'"{text(str(DAY))}"'), ("unit", f'"{text(unit)}"'), ("value", an_object(points))]
    return an_object(draw(st.permutations(keys + draw(st.just([]) | st.just([keys[1]]))))).encode()


def matches_reference(text: bytes, day: date = DAY) -> bool:
    """Compare the decoded and normalised body with the reference; return whether the body was accepted."""
    try:
        expected = reference_decode(text, day)
    except Refused:
        with pytest.raises(ResponseRejected) as refused:
            decode(text, day)
        assert 0 < len(str(refused.value)) <= MAX_MESSAGE_LENGTH
        assert str(refused.value).isprintable()
        return False
    decoded = decode(text, day)
    assert len(decoded) == 288
    for slot, kbps in enumerate(decoded.tolist()):
        assert kbps == expected[slot] if slot in expected else math.isnan(kbps), LABELS[slot]
        assert math.isnan(kbps) or 0 <= kbps <= MOST_KBPS

    outcome = Outcome("a1", day, decoded, collected_at=datetime(2026, 11, 2, tzinfo=UTC))
    (row,) = normalise([outcome], "UTC").to_dict("records")
    assert {slot: row[slot] for slot in range(288) if not math.isnan(row[slot])} == expected
    assert row["points"] == len(expected)
    assert row["state"] == ("collected" if len(expected) == 288 else "partial")
    return True


@given(points=POINTS, unit=st.sampled_from(sorted(KBPS_PER_UNIT)), day=st.dates())
def test_generated_days_match_the_reference_decoder(points: dict[str, float], unit: str, day: date) -> None:
    times, divided_by = KBPS_PER_UNIT[unit]
    sound = {label: min(number, MOST_KBPS / times * divided_by) for label, number in points.items()}
    assert matches_reference(body(sound, unit=unit, date=day.isoformat()), day)


@given(mutated())
@example(with_points(r'"00\u003a00": 1, "00\u003a05": 2, "00:10": 3, "00:10": 4'))
@example(with_points('"00:00": -1e-400'))
@example(with_points('"00:00": 1e11, "00:05": 100000000000.00000001'))
@example(with_points('"00:00": 1' + "0" * 5000 + "e-5000"))
@example(with_points('"00:00": 1e' + "9" * 400))
@example(with_points('"00:00": 1e-' + "9" * 400))
def test_mutated_days_match_the_reference_decoder(text: bytes) -> None:
    matches_reference(text)


@given(formatted())
def test_unusually_formatted_days_match_the_reference_decoder(text: bytes) -> None:
    matches_reference(text)


@given(NEARLY_VALID)
def test_nearly_valid_days_match_the_reference_decoder(content: dict[str, Any]) -> None:
    matches_reference(json.dumps(content).encode())


@given(JSON)
def test_arbitrary_json_is_rejected(content: Any) -> None:
    assert not matches_reference(json.dumps(content).encode())


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_arbitrary_bytes_are_rejected(text: bytes) -> None:
    assert not matches_reference(text)


@pytest.mark.parametrize("name", POISON)
def test_the_reference_decoder_rejects_every_invalid_body(name: str) -> None:
    with pytest.raises(Refused):
        reference_decode(POISON[name][0], DAY)
