"""Strict decoding: a body is exactly the day asked for, or refused with a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agora.bandwidth.grid import LABELS, SLOT_OF_LABEL
from agora.bandwidth.payload import KBPS_PER_UNIT, MOST_KBPS, DayPoints, decode
from agora.errors import AnswerRejected
from tests.unit.bandwidth.answers import DAY, body, with_points
from tests.unit.bandwidth.poison import POISON

REPEATED_AT_MOST = 300


def present(day: DayPoints) -> dict[str, float]:
    return {label: kbps for label, kbps in zip(LABELS, day.kbps, strict=True) if not math.isnan(kbps)}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_refused_with_its_reason(name: str) -> None:
    poison, reason = POISON[name]
    with pytest.raises(AnswerRejected) as refused:
        decode(poison, DAY)
    said = str(refused.value)
    assert reason in said
    assert said.isprintable()
    assert len(said) <= REPEATED_AT_MOST


def test_a_complete_day() -> None:
    day = decode(body(), DAY)
    assert day.points == 288
    assert day.kbps == list(range(288))


def test_an_empty_value_is_a_day_of_no_points() -> None:
    day = decode(body({}), DAY)
    assert day.points == 0
    assert all(map(math.isnan, day.kbps))


def test_absent_points_are_nan_and_never_zero() -> None:
    day = decode(body({"00:05": 0, "23:55": 7}), DAY)
    assert day.points == 2
    assert present(day) == {"00:05": 0, "23:55": 7}
    assert len(day.kbps) == 288


def test_the_order_of_labels_does_not_matter() -> None:
    points = dict(zip(reversed(LABELS), range(288), strict=True))
    assert decode(body(points), DAY).kbps == list(range(287, -1, -1))


def test_white_space_between_tokens_does_not_matter() -> None:
    loose = json.dumps(json.loads(body()), indent=4).encode()
    assert decode(b"\n" + loose + b"\n", DAY) == decode(body(), DAY)


def test_an_escaped_label_is_the_label() -> None:
    assert present(decode(with_points(r'"00\u003a05": 4, "\u00300:10": 5'), DAY)) == {"00:05": 4, "00:10": 5}


def test_fractions_are_kept() -> None:
    assert present(decode(with_points('"00:00": 0.1, "00:05": 1e-3, "00:10": 2.5E2'), DAY)) == {
        "00:00": 0.1,
        "00:05": 0.001,
        "00:10": 250.0,
    }


def test_minus_zero_is_zero() -> None:
    assert present(decode(with_points('"00:00": -0, "00:05": -0.0'), DAY)) == {"00:00": 0, "00:05": 0}


def test_the_largest_value_is_accepted() -> None:
    assert present(decode(with_points('"00:00": 1e11'), DAY)) == {"00:00": MOST_KBPS}


@pytest.mark.parametrize(
    ("unit", "number", "kbps"),
    [
        ("bps", "1", 0.001),
        ("bps", "123456", 123.456),
        ("bps", "3", 0.003),
        ("kbps", "123.456", 123.456),
        ("Mbps", "1.5", 1500.0),
        ("Mbps", "7", 7000),
        ("Gbps", "0.25", 250_000.0),
        ("Gbps", "100000", 1e11),
    ],
)
def test_units_of_the_family_are_converted_exactly(unit: str, number: str, kbps: float) -> None:
    assert present(decode(with_points(f'"00:00": {number}', unit), DAY)) == {"00:00": kbps}


@given(number=st.integers(0, 10**11), unit=st.sampled_from(sorted(KBPS_PER_UNIT)))
def test_a_conversion_is_the_nearest_double(number: int, unit: str) -> None:
    times, divided_by = KBPS_PER_UNIT[unit]
    exact = Fraction(number * times, divided_by)
    text = with_points(f'"00:00": {number}', unit)
    if exact > MOST_KBPS:
        with pytest.raises(AnswerRejected, match="beyond"):
            decode(text, DAY)
    else:
        assert decode(text, DAY).kbps[0] == float(exact)


POINTS = st.dictionaries(
    st.sampled_from(LABELS),
    st.integers(0, int(MOST_KBPS)) | st.floats(0, MOST_KBPS, allow_nan=False),
    max_size=288,
)


@given(points=POINTS, day=st.dates())
def test_any_valid_day_decodes_to_exactly_its_points(points: dict[str, float], day: date) -> None:
    decoded = decode(body(points, date=day.isoformat()), day)
    assert present(decoded) == points
    assert decoded.points == len(points)


# Pieces that a random byte would hardly ever make.
PIECES = st.sampled_from(
    [
        *(b'"00:00"', b'"00:05": 9, ', b'"\\u00300:00": 1, ', b'"00\\u003a00"', b'"date": "2026-11-01", '),
        *(b"-", b"NaN", b"1e400", b"null", b"true", b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\x00"),
        *(b"\xff", b"kbps", b"Mbps", b'"unit"', b"24:00", b"e", b".", b"0", b"9" * 400, b"\xef\xbb\xbf", b""),
    ]
)
EDIT = st.tuples(st.integers(0, 10_000), st.integers(0, 12), PIECES | st.binary(max_size=3))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    changed = body(draw(POINTS)) if draw(st.booleans()) else body()
    for at, removed, inserted in draw(st.lists(EDIT, min_size=1, max_size=4)):
        start = at % (len(changed) + 1)
        changed = changed[:start] + inserted + changed[start + removed :]
    return changed


class Twice(Exception):
    """A key stands twice."""


def without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Twice
    return dict(pairs)


@given(mutated())
@example(with_points(r'"00\u003a00": 1, "00\u003a05": 2, "00:10": 3, "00:10": 4'))
def test_a_mutated_body_is_refused_or_means_what_the_standard_parser_reads(text: bytes) -> None:
    try:
        day = decode(text, DAY)
    except AnswerRejected:
        return
    content = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    assert content.keys() == {"date", "unit", "value"}
    assert content["date"] == "2026-11-01"
    times, divided_by = KBPS_PER_UNIT[content["unit"]]
    expected = {label: number * times / divided_by for label, number in content["value"].items()}
    assert expected.keys() <= SLOT_OF_LABEL.keys()
    assert not any(isinstance(number, bool) for number in content["value"].values())
    assert present(day) == expected
    assert all(0 <= kbps <= MOST_KBPS for kbps in expected.values())
    assert day.points == len(expected)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_at_all_are_refused_and_nothing_else_is_raised(text: bytes) -> None:
    with pytest.raises(AnswerRejected):
        decode(text, DAY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    content=st.fixed_dictionaries(
        {},
        optional={
            "date": JSON | st.just("2026-11-01"),
            "unit": JSON | st.sampled_from(sorted(KBPS_PER_UNIT)),
            "value": JSON | st.dictionaries(st.sampled_from(LABELS) | st.text(), JSON, max_size=5),
            "more": JSON,
        },
    )
)
def test_any_json_is_decoded_or_refused_and_nothing_else_is_raised(content: dict[str, Any]) -> None:
    try:
        points = decode(json.dumps(content).encode(), DAY).points
    except AnswerRejected as refused:
        said = str(refused)
    else:
        said = ""
        assert points == len(content["value"])
    assert len(said) <= REPEATED_AT_MOST
