"""Stores the vendor's responses as received, before they are decoded, and returns them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.warehouse import binary_copy as encode


class RawResponse(NamedTuple):
    """One row of raw.bandwidth_response."""

    app_id: str
    usage_date: date
    fetched_at: datetime
    http_status: int
    body: bytes
    body_sha256: bytes
    fault: str


def store(connection: Connection, responses: Iterable[RawResponse]) -> None:
    """Append responses to raw.bandwidth_response. The caller commits before it decodes them."""
    rows = [
        (
            encode.text(response.app_id),
            encode.day(response.usage_date),
            encode.timestamptz(response.fetched_at),
            encode.int2(response.http_status),
            encode.bytea(response.body),
            encode.bytea(response.body_sha256),
            encode.text(response.fault),
        )
        for response in responses
    ]
    encode.copy_in(connection, f"raw.bandwidth_response ({', '.join(RawResponse._fields)})", rows)


def of_day(connection: Connection, usage_date: date, app_ids: Sequence[str]) -> list[RawResponse]:
    """Return the given apps' stored 2xx responses for a usage date, by app and in order of arrival.

    If consecutive responses have the same body, only the first is returned.
    """
    rows = connection.execute(
        text(
            "select app_id, usage_date, fetched_at, http_status, body, body_sha256, fault from ("
            " select *, lag(body_sha256) over this_app as before"
            " from raw.bandwidth_response"
            " where usage_date = :usage_date and app_id = any(:app_ids) and http_status between 200 and 299"
            " window this_app as (partition by app_id order by fetched_at, response_key)"
            ") as response where body_sha256 is distinct from before"
            " order by app_id, fetched_at, response_key"
        ),
        {"usage_date": usage_date, "app_ids": list(app_ids)},
    )
    return [
        RawResponse(**{**row._mapping, "body": bytes(row.body), "body_sha256": bytes(row.body_sha256)})
        for row in rows
    ]
