"""Reports the health of the collection: missing app-days, runs, accounts and suspicious responses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from agora.domain import SLOTS_PER_DAY
from agora.warehouse.reports import Row, rows
from agora.warehouse.reports.coverage import IN_WINDOW, OPEN, REQUESTED, window_begins

WINDOW = f"""
select
    count(*) filter (where {IN_WINDOW}) as app_days,
    count(distinct app_id) filter (where {IN_WINDOW}) as apps,
    count(*) filter (where {OPEN}) as open_app_days,
    count(distinct app_id) filter (where {OPEN}) as open_apps,
    min(days_left) filter (where {OPEN}) as days_left,
    min(usage_date) filter (where {IN_WINDOW}) as from_date,
    max(usage_date) filter (where {IN_WINDOW}) as to_date
from mart.coverage
where {REQUESTED}
"""  # noqa: S608 - composed from this file's constants

STATES = f"""
select state, count(*) as app_days
from mart.coverage
where {IN_WINDOW}
group by state
order by state
"""  # noqa: S608 - composed from this file's constants

OLDEST = f"""
select app_id, app_name, conn_id, usage_date, state, reason, days_left
from mart.coverage
where {OPEN}
order by usage_date, app_name, app_id
limit 1
"""  # noqa: S608 - composed from this file's constants

LOST = "select count(*) from mart.coverage where not is_complete and state = 'lost'"

RUNS = """
select
    dag_id, run_id, started_at, ended_at, app_days, app_days_received, points_received, app_days_changed,
    collected, partial, rejected, failed, lost, pending, requests, retries, limited, failed_apps, problems
from mart.collection_run
order by ended_at desc
limit 30
"""

REQUESTS = """
select
    (ended_at at time zone 'UTC')::date as ended_on,
    count(*) as runs,
    sum(requests) as requests,
    sum(retries) as retries,
    sum(limited) as limited
from mart.collection_run
where (ended_at at time zone 'UTC')::date > (mart.clock() at time zone 'UTC')::date - 31
group by (ended_at at time zone 'UTC')::date
order by ended_on
"""

ACCOUNTS = f"""
select
    account.conn_id,
    account.timezone,
    account.window_length::text as window_length,
    account.newest_refused,
    account.refusal,
    account.requests_per_second,
    account.paced_at,
    coverage.apps,
    coverage.newest_collected
from mart.vendor_account as account
left join (
    select
        conn_id,
        count(distinct app_id) as apps,
        max(usage_date) filter (where state = 'collected') as newest_collected
    from mart.coverage
    where {IN_WINDOW}
    group by conn_id
) as coverage on account.conn_id = coverage.conn_id
order by account.conn_id
"""  # noqa: S608 - composed from this file's constants

# Unreviewed drops come first, however old.
RESTATEMENTS = f"""
select
    app_id,
    app_name,
    usage_date,
    restated_at,
    points_changed,
    points_added,
    cast(nullif(extract(epoch from moved_by), 0) as bigint) as moved_by_seconds,
    old_sum_kbps / {SLOTS_PER_DAY} as old_mean_kbps,
    new_sum_kbps / {SLOTS_PER_DAY} as new_mean_kbps,
    is_drop,
    reviewed_at,
    reviewed_by,
    count(*) filter (where restated_at > mart.clock() - interval '31 days') over () as in_all,
    count(*) filter (where is_drop and reviewed_at is null) over () as drops_to_review,
    max(restated_at) filter (where is_drop and reviewed_at is null) over () as newest_drop_at
from mart.restatement
where restated_at > mart.clock() - interval '31 days' or (is_drop and reviewed_at is null)
order by is_drop and reviewed_at is null desc, restated_at desc, app_name, usage_date
limit 50
"""  # noqa: S608 - composed from this file's constants

SAME_RESPONSES = f"""
select usage_date, array_agg(app_name order by app_name, app_id) as app_names, count(*) over () as in_all
from (
    select
        usage_date,
        app_name,
        app_id,
        -- Equal for all apps with the same response body.
        (
            select array_agg(own.app_id order by own.app_id)
            from unnest(string_to_array(same_response_as, ', ') || app_id) as own (app_id)
        ) as app_ids
    from mart.coverage
    where {IN_WINDOW} and same_response_as is not null
) as same
group by usage_date, app_ids
order by usage_date desc, app_ids
limit 50
"""  # noqa: S608 - composed from this file's constants


def health(connection: Connection) -> Row:
    """Return the contents of the Health page, read in one transaction.

    Returns:
        A dictionary with these keys, among others:

        - `window`: the number of app-days in the vendor window, in total and by state (`states`), and the
          number of open app-days, which are incomplete and still requested.
        - `oldest`: the oldest open app-day, or None.
        - `lost_app_days`: the number of all lost app-days, however old.
        - `runs`: the last 30 finished runs.
        - `requests_by_day`: the requests made by runs that ended in the last 31 days (UTC).
        - `restatements`: unreviewed drops and the restatements of the last 31 days, at most 50 in total.
          `restatements_in_all` counts the restatements of the last 31 days.
        - `drops_to_review`: the number of unreviewed drops. A review marks those up to `newest_drop_at`.
        - `same_responses`: apps that received the same response body for a day in the window, at most 50
          groups of `same_responses_in_all`.
    """
    window = window_begins(connection)
    restatements = rows(connection, RESTATEMENTS)
    same_responses = rows(connection, SAME_RESPONSES, window)
    return {
        "now": connection.execute(text("select mart.clock()")).scalar_one(),
        "window": {
            **rows(connection, WINDOW, window)[0],
            "states": {row["state"]: row["app_days"] for row in rows(connection, STATES, window)},
        },
        "oldest": next(iter(rows(connection, OLDEST, window)), None),
        "lost_app_days": connection.execute(text(LOST)).scalar_one(),
        "runs": rows(connection, RUNS),
        "requests_by_day": rows(connection, REQUESTS),
        "accounts": rows(connection, ACCOUNTS, window),
        "restatements_in_all": _of_all(restatements, "in_all", 0),
        "drops_to_review": _of_all(restatements, "drops_to_review", 0),
        "newest_drop_at": _of_all(restatements, "newest_drop_at", None),
        "restatements": restatements,
        "same_responses_in_all": _of_all(same_responses, "in_all", 0),
        "same_responses": same_responses,
    }


def _of_all(found: list[Row], column: str, empty: Any) -> Any:
    """Remove a column that has the same value in all rows. Return the value, or `empty` without rows."""
    return next(iter([row.pop(column) for row in found]), empty)
