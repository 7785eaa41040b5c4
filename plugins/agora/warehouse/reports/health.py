"""How collecting goes: what is still missing, what the last runs did, what each account may ask."""

from __future__ import annotations

from sqlalchemy import Connection, text

from agora.warehouse.reports.coverage import IN_WINDOW, OPEN, window_begins
from agora.warehouse.reports.rows import Row, rows

WINDOW = f"""
select
    count(*) as app_days,
    count(distinct app_id) as apps,
    count(*) filter (where {OPEN}) as open_app_days,
    count(distinct app_id) filter (where {OPEN}) as open_apps,
    min(days_left) filter (where {OPEN}) as days_left,
    min(usage_date) as from_date,
    max(usage_date) as to_date
from mart.coverage
where {IN_WINDOW}
"""  # noqa: S608 - put together from this file's own text

STATES = f"""
select state, count(*) as app_days
from mart.coverage
where {IN_WINDOW}
group by state
order by state
"""  # noqa: S608 - put together from this file's own text

OLDEST = f"""
select app_id, app_name, conn_id, usage_date, state, reason, days_left
from mart.coverage
where {OPEN}
order by usage_date, app_name, app_id
limit 1
"""  # noqa: S608 - put together from this file's own text

LOST = "select count(*) from mart.coverage where state = 'lost'"

RUNS = """
select
    dag_id, run_id, started_at, ended_at, app_days, app_days_changed, points, requests, retries, limited,
    failed_apps
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
where (ended_at at time zone 'UTC')::date > (now() at time zone 'UTC')::date - 31
group by (ended_at at time zone 'UTC')::date
order by ended_on
"""

ACCOUNTS = f"""
select
    account.conn_id,
    account.timezone,
    account.window_length::text as window_length,
    account.learned_on,
    account.oldest_served,
    account.newest_refused,
    account.refusal,
    account.requests_per_second,
    account.paced_at,
    held.apps,
    held.newest_collected
from mart.vendor_account as account
left join (
    select
        conn_id,
        count(distinct app_id) as apps,
        max(usage_date) filter (where state = 'collected') as newest_collected
    from mart.coverage
    where {IN_WINDOW}
    group by conn_id
) as held on account.conn_id = held.conn_id
order by account.conn_id
"""  # noqa: S608 - put together from this file's own text

RESTATEMENTS = """
select app_id, app_name, usage_date, restated_at, points_changed, points_added, count(*) over () as in_all
from mart.restatement
where restated_at > now() - interval '31 days'
order by restated_at desc, app_name, usage_date
limit 50
"""


def health(connection: Connection) -> Row:
    """Return what the page Health shows, read in the connection's one transaction.

    Returns:
        `window`: how many app-days can be had, how many of them are not collected, and `states` of all;
        `oldest`: the oldest that is not (None if all are); `lost_app_days` of all times; `runs`: the last 30
        that ended; `requests_by_day`: of the runs that ended in the last 31 days (UTC); `accounts`;
        `restatements`: the 50 newest of the last 31 days, of `restatements_in_all`.
    """
    window = window_begins(connection)
    restatements = rows(connection, RESTATEMENTS)
    return {
        "now": connection.execute(text("select now()")).scalar_one(),
        "window": {
            **rows(connection, WINDOW, window)[0],
            "states": {row["state"]: row["app_days"] for row in rows(connection, STATES, window)},
        },
        "oldest": next(iter(rows(connection, OLDEST, window)), None),
        "lost_app_days": connection.execute(text(LOST)).scalar_one(),
        "runs": rows(connection, RUNS),
        "requests_by_day": rows(connection, REQUESTS),
        "accounts": rows(connection, ACCOUNTS, window),
        "restatements_in_all": max((row.pop("in_all") for row in restatements), default=0),
        "restatements": restatements,
    }
