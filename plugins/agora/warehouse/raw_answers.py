"""Answers as received: kept before anything is read from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from agora.warehouse import binary_copy as encode


class RawAnswer(NamedTuple):
    """One row of raw.bandwidth_response."""

    app_id: str
    usage_date: date
    fetched_at: datetime
    http_status: int
    body: bytes
    body_sha256: bytes
    fault: str


def keep(connection: Connection, answers: Iterable[RawAnswer]) -> None:
    """Append answers to raw.bandwidth_response; the caller commits before it reads them."""
    rows = [
        (
            encode.text(answer.app_id),
            encode.day(answer.usage_date),
            encode.timestamptz(answer.fetched_at),
            encode.int2(answer.http_status),
            encode.bytea(answer.body),
            encode.bytea(answer.body_sha256),
            encode.text(answer.fault),
        )
        for answer in answers
    ]
    encode.copy_in(connection, f"raw.bandwidth_response ({', '.join(RawAnswer._fields)})", rows)
