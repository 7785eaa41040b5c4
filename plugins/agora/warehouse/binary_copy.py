"""Encodes rows in the binary format of COPY (PostgreSQL manual, COPY, "Binary Format")."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
NULL = struct.pack("!i", -1)
INT4_OID, FLOAT8_OID = 23, 701
EPOCH_DATE = date(2000, 1, 1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_INT2 = struct.Struct("!ih").pack
_INT4 = struct.Struct("!ii").pack
_INT8 = struct.Struct("!iq").pack
_LENGTH = struct.Struct("!i").pack
_FLOAT8 = struct.Struct("!id").pack


def copy_in(connection: Connection, target: str, rows: Iterable[Sequence[bytes]]) -> None:
    """Copy rows into a table, in the caller's transaction.

    Args:
        connection: Connection that uses psycopg2.
        target: Table and columns, such as `raw.bandwidth_response (app_id, body)`.
        rows: Rows of encoded fields, in the order of those columns.
    """
    cursor: Any = connection.connection.cursor()
    with cursor:
        cursor.copy_expert(f"copy {target} from stdin (format binary)", _stream(rows))


def _stream(rows: Iterable[Sequence[bytes]]) -> BytesIO:
    parts = [HEADER]
    for row in rows:
        parts.append(struct.pack("!h", len(row)))
        parts.extend(row)
    parts.append(TRAILER)
    return BytesIO(b"".join(parts))


def text(value: str | None) -> bytes:
    """Encode a string as `text`."""
    return bytea(None if value is None else value.encode())


def bytea(value: bytes | None) -> bytes:
    """Encode bytes as `bytea`."""
    return NULL if value is None else _LENGTH(len(value)) + value


def int2(value: int | None) -> bytes:
    """Encode an integer as `smallint`."""
    return NULL if value is None else _INT2(2, value)


def int4(value: int) -> bytes:
    """Encode an integer as `integer`."""
    return _INT4(4, value)


def day(value: date) -> bytes:
    """Encode a date as `date`."""
    return _INT4(4, (value - EPOCH_DATE).days)


def timestamptz(value: datetime | None) -> bytes:
    """Encode a time as `timestamptz`. The time must have a time zone."""
    if value is None:
        return NULL
    since = value - EPOCH
    return _INT8(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def float8s(values: Iterable[float]) -> list[bytes]:
    """Encode numbers as `double precision`."""
    return [_FLOAT8(8, value) for value in values]


def float8_arrays(grid: NDArray[np.float64]) -> list[bytes]:
    """Encode each row of a matrix as a one-dimensional `double precision[]`, with NaN as null."""
    return _arrays(grid, FLOAT8_OID, ">f8")


def int4_arrays(grid: NDArray[np.float64]) -> list[bytes]:
    """Encode each row of a matrix as a one-dimensional `integer[]`, with NaN as null.

    Args:
        grid: Whole numbers of four bytes, or NaN.
    """
    return _arrays(grid, INT4_OID, ">i4")


def _arrays(grid: NDArray[np.float64], oid: int, kind: str) -> list[bytes]:
    rows, columns = grid.shape
    elements: NDArray[Any] = np.empty((rows, columns), dtype=[("length", ">i4"), ("value", kind)])
    elements["length"] = elements.dtype["value"].itemsize
    absent = np.isnan(grid)
    elements["value"] = np.where(absent, 0, grid)
    octets, size = elements.tobytes(), elements.itemsize * columns
    head = _array_head(oid, columns, size, nulls=False)
    encoded = [head + octets[start : start + size] for start in range(0, rows * size, size)]
    for row in np.flatnonzero(absent.any(axis=1)):
        fields = b"".join(
            NULL if is_absent else element.tobytes()
            for element, is_absent in zip(elements[row], absent[row], strict=True)
        )
        encoded[row] = _array_head(oid, columns, len(fields), nulls=True) + fields
    return encoded


def _array_head(oid: int, elements: int, size: int, *, nulls: bool) -> bytes:
    head = struct.pack("!iiIii", 1, int(nulls), oid, elements, 1)
    return _LENGTH(len(head) + size) + head
