"""Strict decoding: a body is either exactly the requested day or rejected with a reason."""

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
from tests.bandwidth.poison import POISON
from tests.bandwidth.response_bodies import DAY, body, with_points

pytestmark = pytest.mark.unit

MAX_MESSAGE_LENGTH = 300


def present(day: NDArray[np.float64]) -> dict[str, float]:
    return {label: kbps for label, kbps in zip(LABELS, day.tolist(), strict=True) if not math.isnan(kbps)}


@pytest.mark.parametrize("name", POISON)
def test_an_invalid_body_is_rejected_with_its_reason(name: str) -> None:
    poison, reason = POISON[name]
    with pytest.raises(ResponseRejected) as refused:
        decode(poison, DAY)
    message = str(refused.value)
    assert reason in message
    assert message.isprintable()
    assert len(message) <= MAX_MESSAGE_LENGTH


def test_a_complete_day() -> None:
    assert decode(body(), DAY).tolist() == list(range(288))


def test_an_empty_value_is_a_day_without_points() -> None:
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


def test_white_space_before_a_colon_is_accepted() -> None:
    day = decode(with_points(r'"00\u003a05" : 4 , "00:10"' + "\r\n\t: 5"), DAY)
    assert present(day) == {"00:05": 4, "00:10": 5}


def test_an_escaped_label_is_unescaped() -> None:
    assert present(decode(with_points(r'"00\u003a05": 4, "\u00300:10": 5'), DAY)) == {"00:05": 4, "00:10": 5}


def test_fractions_are_preserved() -> None:
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
def test_related_units_are_converted_exactly(unit: str, number: str, kbps: float) -> None:
    assert present(decode(with_points(f'"00:00": {number}', unit), DAY)) == {"00:00": kbps}


@given(number=st.integers(0, 10**11), unit=st.sampled_from(sorted(KBPS_PER_UNIT)))
def test_a_conversion_yields_the_nearest_double(number: int, unit: str) -> None:
    times, divided_by = KBPS_PER_UNIT[unit]
    exact = Fraction(number * times, divided_by)
    text = with_points(f'"00:00": {number}', unit)
    if exact > MOST_KBPS:
        with pytest.raises(ResponseRejected, match="beyond"):
            decode(text, DAY)
    else:
        assert decode(text, DAY)[0] == float(exact)
