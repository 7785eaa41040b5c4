"""Report the page's strip: completeness, changes in the last 24 hours, and the next days to expire."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from agora.warehouse.reports import Row, rows
from agora.warehouse.reports.coverage import EXPIRING, IN_WINDOW, OPEN, REQUESTED, window_begins

# Count all writes to the tables behind Coverage and Health. Reading the server's counters is equally fast for
# any length of history. The hour is included, because some figures change over time without any writes.
VERSION = """
select
    date_trunc('hour', mart.clock()) as hour,
    sum(n_tup_ins + n_tup_upd + n_tup_del) as writes
from pg_stat_user_tables
where
    schemaname = 'core'
    and relname in ('app', 'app_day', 'collection_run', 'restatement', 'vendor_account')
"""

WINDOW = f"""
select
    count(*) as app_days,
    count(*) filter (where is_complete) as collected,
    count(*) filter (where state in ('failed', 'rejected')) as unusable
from mart.coverage
where {REQUESTED} and ({IN_WINDOW} or {OPEN})
"""  # noqa: S608 - composed from this file's constants

# A restated day counts as restated, not as collected.
COLLECTED = """
select count(*)
from core.app_day as app_day
where
    app_day.usage_date >= cast(:window_begins_on as date) - 6
    and app_day.state = 'collected'
    and app_day.collected_at > mart.clock() - interval '1 day'
    and not exists (
        select from core.restatement as restatement
        where
            restatement.app_key = app_day.app_key
            and restatement.usage_date = app_day.usage_date
            and restatement.points_changed > 0
            and restatement.restated_at > mart.clock() - interval '1 day'
    )
"""

RESTATED = """
select count(distinct (app_id, usage_date))
from mart.restatement
where points_changed > 0 and restated_at > mart.clock() - interval '1 day'
"""

# A day is lost from the third day after expires_on.
LOST_TODAY = "select count(*) from mart.coverage where not is_complete and state = 'lost' and days_left = -3"

HAS_RUN = """
select exists (
    select from mart.collection_run where app_days > 0 and ended_at > mart.clock() - interval '1 day'
)
"""


def version(connection: Connection) -> str:
    """Return a string that changes when the ledger, the apps, the runs or the restatements change."""
    (found,) = rows(connection, VERSION)
    return f"{found['hour']:%Y-%m-%dT%H} {found['writes']}"


def overview(connection: Connection) -> dict[str, Any]:
    """Return the vendor window's completeness, the last 24 hours' changes, and the next days to expire.

    Returns:
        A dictionary with these keys:

        - `app_days`: the number of expected app-days that are in the vendor window or still requested.
        - `missing`: the number of these app-days that are not complete.
        - `complete_percent`: the share of complete app-days, rounded down to one decimal place, so that 100
          means that no app-day is missing. None if no app-day is expected.
        - `changed`: the numbers of app-days that were `collected`, `restated` or `lost` in the last 24 hours,
          or `failed`, which means that runs in that time got no usable response.
        - `expiring`: the first group of missing app-days to expire, as in the report `coverage`, or None.
    """
    window = window_begins(connection)
    found: Row = rows(connection, WINDOW, window)[0]
    app_days, collected = found["app_days"], found["collected"]
    return {
        "app_days": app_days,
        "missing": app_days - collected,
        "complete_percent": 1000 * collected // app_days / 10 if app_days else None,
        "changed": {
            "collected": _scalar(connection, COLLECTED, window),
            "restated": _scalar(connection, RESTATED),
            "lost": _scalar(connection, LOST_TODAY),
            "failed": found["unusable"] if _scalar(connection, HAS_RUN) else 0,
        },
        "expiring": next(iter(rows(connection, EXPIRING, window)), None),
    }


def _scalar(connection: Connection, query: str, values: Row | None = None) -> Any:
    return connection.execute(text(query), values or {}).scalar_one()
