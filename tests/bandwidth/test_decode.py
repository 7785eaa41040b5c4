"""Strict decoding: a body is exactly the day asked for, or refused with a reason."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agora.bandwidth.decode import KBPS_PER_UNIT, MOST_KBPS, decode
from agora.domain import LABELS
from agora.errors import ResponseRejected
from tests.bandwidth.answers import DAY, body, with_points
from tests.bandwidth.poison import POISON

pytestmark = pytest.mark.unit

REPEATED_AT_MOST = 300


def present(day: NDArray[np.float64]) -> dict[str, float]:
    return {label: kbps for label, kbps in zip(LABELS, day.tolist(), strict=True) if not math.isnan(kbps)}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_refused_with_its_reason(name: str) -> None:
    poison, reason = POISON[name]
    with pytest.raises(ResponseRejected) as refused:
        decode(poison, DAY)
    said = str(refused.value)
    assert reason in said
    assert said.isprintable()
    assert len(said) <= REPEATED_AT_MOST


def test_a_complete_day() -> None:
    assert decode(body(), DAY).tolist() == list(range(288))


def test_an_empty_value_is_a_day_of_no_points() -> None:
    day = decode(body({}), DAY)
    assert len(day) == 288
    assert np.isnan(day).all()


def test_absent_points_are_nan_and_never_zero() -> None:
    day = decode(body({"00:05": 0, "23:55": 7}), DAY)
    assert present(day) == {"00:05": 0, "23:55": 7}
    assert len(day) == 288


def test_the_order_of_labels_does_not_matter() -> None:
    points = dict(zip(reversed(LABELS), range(288), strict=True))
    assert decode(body(points), DAY).tolist() == list(range(287, -1, -1))


def test_white_space_between_tokens_does_not_matter() -> None:
    loose = json.dumps(json.loads(body()), indent=4).encode()
    assert np.array_equal(decode(b"\n" + loose + b"\n", DAY), decode(body(), DAY))


def test_white_space_before_a_colon_is_no_reason_to_miss_a_key() -> None:
    day = decode(with_points(r'"00\u003a05" : 4 , "00:10"' + "\r\n\t: 5"), DAY)
    assert present(day) == {"00:05": 4, "00:10": 5}


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
        with pytest.raises(ResponseRejected, match="beyond"):
            decode(text, DAY)
    else:
        assert decode(text, DAY)[0] == float(exact)
