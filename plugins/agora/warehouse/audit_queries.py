"""Reads stored points and their stored responses, for the weekly check that they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from agora.warehouse.raw_responses import RawResponse

# About 7 MB of bodies and points.
APP_DAYS_PER_QUERY = 1_000

# Selects the last 62 days, which the next bills use, the days collected since the last check, and a random
# sample of older days, which an attacker cannot predict. Days without points are included, because their
# points may have been removed.
CHOSEN = """
select app_key, usage_date
from core.app_day
where usage_date >= mart.clock()::date - 62 or collected_at >= mart.clock() - interval '8 days'
union
(
    select app_key, usage_date from core.app_day
    where usage_date < mart.clock()::date - 62
    order by random()
    limit :sample
)
order by usage_date, app_key
"""
# A run may not have loaded responses from the last 24 hours yet.
WITH_RESPONSES = """
select
    app.app_id, app_day.usage_date, app_day.kbps, app_day.body_sha256 as digest,
    response.fetched_at <= greatest(app_day.verified_at, mart.clock() - interval '1 day') as is_due,
    response.fetched_at, response.http_status, response.body, response.body_sha256, response.fault
from unnest(cast(:app_keys as integer []), cast(:usage_dates as date [])) as chosen (app_key, usage_date)
inner join core.app_day as app_day using (app_key, usage_date)
inner join core.app as app using (app_key)
left join raw.bandwidth_response as response
    on
        app_day.usage_date = response.usage_date
        and app.app_id = response.app_id
        and response.http_status between 200 and 299
where app_day.kbps is not null or response.response_key is not null
order by app_day.usage_date, app.app_id, response.fetched_at, response.response_key
"""


class StoredPoints(NamedTuple):
    """The points of an app-day, and its stored 2xx responses in order of arrival.

    An app-day without points has at least one response.

    Attributes:
        kbps: 288 rates in kbps, with None for absent points. None for a rejected or failed app-day.
        body_sha256: Recorded digest of the response that delivered the points; None without a response.
        responses: All stored responses.
        due: Responses that have been loaded or should have been.
    """

    app_id: str
    usage_date: date
    kbps: list[float | None] | None
    body_sha256: bytes | None
    responses: list[RawResponse]
    due: list[RawResponse]


def read_points_to_compare(connection: Connection, sample: int) -> Iterator[StoredPoints]:
    """Yield app-days of the last 62 days, those collected in the last 8 days, and a sample of older ones.

    Args:
        connection: Connection to the warehouse.
        sample: Maximum number of older app-days, chosen at random.
    """
    chosen = connection.execute(text(CHOSEN), {"sample": sample}).all()
    for start in range(0, len(chosen), APP_DAYS_PER_QUERY):
        yield from _with_responses(connection, chosen[start : start + APP_DAYS_PER_QUERY])


def _with_responses(connection: Connection, keys: Sequence[Row[Any]]) -> Iterator[StoredPoints]:
    values = {"app_keys": [key.app_key for key in keys], "usage_dates": [key.usage_date for key in keys]}
    rows = connection.execute(text(WITH_RESPONSES), values)
    for _, of_day in groupby(rows, itemgetter(0, 1)):
        found = list(of_day)
        first = found[0]
        yield StoredPoints(
            first.app_id,
            first.usage_date,
            first.kbps,
            first.digest and bytes(first.digest),
            [_response(row) for row in found if row.body is not None],
            [_response(row) for row in found if row.is_due],
        )


def _response(row: Row[Any]) -> RawResponse:
    return RawResponse(
        row.app_id,
        row.usage_date,
        row.fetched_at,
        row.http_status,
        bytes(row.body),
        bytes(row.body_sha256),
        row.fault,
    )
