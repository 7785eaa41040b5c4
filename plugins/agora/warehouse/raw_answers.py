"""Answers as received: kept before anything is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

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


def of_day(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> list[RawAnswer]:
    """Return the 200s kept of some apps' usage date, oldest first, each body once as it arrived last."""
    rows = connection.execute(
        text(
            "select * from ("
            " select distinct on (app_id, body_sha256)"
            " app_id, usage_date, fetched_at, http_status, body, body_sha256, fault"
            " from raw.bandwidth_response"
            " where usage_date = :usage_date and app_id = any(:app_ids)"
            " and http_status between 200 and 299 order by app_id, body_sha256, fetched_at desc"
            ") as answer order by app_id, fetched_at"
        ),
        {"usage_date": usage_date, "app_ids": list(app_ids)},
    )
    return [
        RawAnswer(**{**row._mapping, "body": bytes(row.body), "body_sha256": bytes(row.body_sha256)})
        for row in rows
    ]
