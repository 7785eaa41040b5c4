"""Report everything recorded about one app-day: its state, its responses and its restatements."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from agora.warehouse.raw_responses import RawResponse
from agora.warehouse.reports import Row, rows
from agora.warehouse.reports.coverage import name_same_responses

MAX_RESPONSES = 100
MAX_RESTATEMENTS = 100

APP = "select app_id, app_name, conn_id, timezone from mart.app where app_id = :app_id"

DAY = """
select state, points, attempts, reason, days_left, same_response_as
from mart.coverage
where app_id = :app_id and usage_date = :usage_date
"""

# A response may contain the secrets of the account that requested it: any account, if the app moved.
ACCOUNTS = """
select
    account.conn_id,
    exists (
        select from core.app as app
        left join core.app_day as app_day
            on app.app_key = app_day.app_key and app_day.usage_date = :usage_date
        where app.app_id = :app_id and account.conn_id in (app.conn_id, app_day.conn_id)
    ) as is_required
from core.vendor_account as account
"""

RESPONSES = """
select
    response.fetched_at,
    response.http_status,
    response.body,
    response.body_sha256,
    response.fault,
    -- Whether the stored points come from this response.
    coalesce(
        response.fetched_at = app_day.collected_at and response.body_sha256 = app_day.body_sha256, false
    ) as is_stored,
    count(*) over () as in_all
from raw.bandwidth_response as response
left join core.app as app on response.app_id = app.app_id
left join core.app_day as app_day
    on app.app_key = app_day.app_key and response.usage_date = app_day.usage_date
where response.app_id = :app_id and response.usage_date = :usage_date
order by response.fetched_at desc, response.response_key desc
limit :limit
"""

RESTATEMENTS = """
select
    restated_at,
    points_changed,
    points_added,
    old_sum_kbps,
    new_sum_kbps,
    cast(nullif(extract(epoch from moved_by), 0) as bigint) as moved_by_seconds,
    is_drop,
    reviewed_at,
    reviewed_by
from mart.restatement
where app_id = :app_id and usage_date = :usage_date
order by restated_at desc
limit :limit
"""


class RecordedResponse(NamedTuple):
    """A recorded response, and whether the app-day's stored points come from it."""

    response: RawResponse
    is_stored: bool


class DayHistory(NamedTuple):
    """The warehouse's records of an app-day.

    Attributes:
        app: App ID, name, account and time zone. None if the App ID is unknown.
        day: State, points, attempts, reason, days left and the apps with the same response. None if the day
            is not expected.
        accounts: conn_id of every account → whether it owns the app or collected the day.
        responses: The newest recorded responses, at most 100, newest first.
        responses_in_all: Total number of recorded responses.
        restatements: The newest restatements, at most 100, newest first. Sums are in kbps.
    """

    app: Row | None
    day: Row | None
    accounts: dict[str, bool]
    responses: list[RecordedResponse]
    responses_in_all: int
    restatements: list[Row]


def day_history(connection: Connection, app_id: str, usage_date: date) -> DayHistory:
    """Return the history of an app-day. The connection's role must be able to read the schema `raw`."""
    values: dict[str, Any] = {"app_id": app_id, "usage_date": usage_date}
    days = rows(connection, DAY, values)
    name_same_responses(connection, days)
    responses = connection.execute(text(RESPONSES), {**values, "limit": MAX_RESPONSES}).all()
    return DayHistory(
        next(iter(rows(connection, APP, values)), None),
        next(iter(days), None),
        {row.conn_id: row.is_required for row in connection.execute(text(ACCOUNTS), values)},
        [
            RecordedResponse(
                RawResponse(
                    app_id,
                    usage_date,
                    row.fetched_at,
                    row.http_status,
                    bytes(row.body),
                    bytes(row.body_sha256),
                    row.fault,
                ),
                row.is_stored,
            )
            for row in responses
        ],
        max((row.in_all for row in responses), default=0),
        rows(connection, RESTATEMENTS, {**values, "limit": MAX_RESTATEMENTS}),
    )
