"""The binary COPY format, byte by byte, as written by PostgreSQL's `COPY … TO … (FORMAT binary)`."""

from __future__ import annotations

import math
import struct
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.warehouse import binary_copy as encode

pytestmark = pytest.mark.unit

NULL = "ffffffff"
FIVE_AND_A_HALF_HOURS = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("encoded", "octets"),
    [
        (encode.text("Añ"), "00000003 41c3b1"),
        (encode.text(""), "00000000"),
        (encode.text(None), NULL),
        (encode.bytea(b"\x00\xff"), "00000002 00ff"),
        (encode.bytea(None), NULL),
        (encode.int2(288), "00000002 0120"),
        (encode.int2(-1), "00000002 ffff"),
        (encode.int2(None), NULL),
        (encode.int4(1), "00000004 00000001"),
        (encode.day(date(2000, 1, 1)), "00000004 00000000"),
        (encode.day(date(1999, 12, 31)), "00000004 ffffffff"),
        (encode.day(date(2026, 11, 1)), "00000004 00002649"),
        (encode.timestamptz(datetime(2000, 1, 1, tzinfo=UTC)), "00000008 0000000000000000"),
        (encode.timestamptz(datetime(2000, 1, 1, 0, 0, 1, 5, tzinfo=UTC)), "00000008 00000000000f4245"),
        (encode.timestamptz(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)), "00000008 fffffffffff0bdc0"),
        (
            encode.timestamptz(datetime(2000, 1, 1, 5, 30, tzinfo=FIVE_AND_A_HALF_HOURS)),
            "00000008 0000000000000000",
        ),
        (encode.timestamptz(None), NULL),
    ],
)
def test_known_vectors(encoded: bytes, octets: str) -> None:
    assert encoded == bytes.fromhex(octets)


def test_a_timestamp_without_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        encode.timestamptz(datetime(2026, 11, 1))  # noqa: DTZ001


@pytest.mark.parametrize("value", [32768, -32769])
def test_a_number_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(struct.error):
        encode.int2(value)


def test_known_array_vectors() -> None:
    full, gaps = encode.float8_arrays(np.array([[1.0, 0.5], [math.nan, -2.0]]))
    head = "00000001 {nulls} 000002bd 00000002 00000001"
    assert full == bytes.fromhex(
        "0000002c" + head.format(nulls="00000000") + "00000008 3ff0000000000000 00000008 3fe0000000000000"
    )
    assert gaps == bytes.fromhex(
        "00000024" + head.format(nulls="00000001") + "ffffffff 00000008 c000000000000000"
    )


def test_known_vectors_of_integer_arrays() -> None:
    full, gaps = encode.int4_arrays(np.array([[1.0, 2.0**31 - 1], [math.nan, 256.0]]))
    head = "00000001 {nulls} 00000017 00000002 00000001"
    assert full == bytes.fromhex(
        "00000024" + head.format(nulls="00000000") + "00000004 00000001 00000004 7fffffff"
    )
    assert gaps == bytes.fromhex("00000020" + head.format(nulls="00000001") + "ffffffff 00000004 00000100")


def test_an_array_of_nulls() -> None:
    (encoded,) = encode.float8_arrays(np.full((1, 3), math.nan))
    assert encoded == bytes.fromhex(
        "00000020" + "00000001 00000001 000002bd 00000003 00000001" + "ffffffff" * 3
    )


def test_no_rows_give_no_arrays() -> None:
    assert encode.float8_arrays(np.empty((0, 288))) == []


def read_array(encoded: bytes) -> list[float]:
    length, dimensions, has_nulls, oid, columns, lower = struct.unpack_from("!iiiIii", encoded)
    assert (length, dimensions, oid, lower) == (len(encoded) - 4, 1, 701, 1)
    values, at = [], 24
    for _ in range(columns):
        (size,) = struct.unpack_from("!i", encoded, at)
        at += 4
        if size == -1:
            assert has_nulls
            values.append(math.nan)
        else:
            values.append(struct.unpack_from("!d", encoded, at)[0])
            at += size
    assert at == len(encoded)
    return values


@given(
    st.lists(st.lists(st.floats(0, 1e12) | st.just(math.nan), min_size=5, max_size=5), min_size=1, max_size=6)
)
def test_encoded_arrays_can_be_read_back(rows: list[list[float]]) -> None:
    read = [read_array(encoded) for encoded in encode.float8_arrays(np.array(rows))]
    np.testing.assert_array_equal(np.array(read), np.array(rows))
