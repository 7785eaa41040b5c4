"""Vendor accounts and apps as configured, carried over into the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, text

from agora.settings import AppSettings, DashboardSettings

SYNC_ACCOUNT = """
insert into core.vendor_account as held (conn_id, timezone, window_length)
values (:conn_id, :timezone, cast(:window as interval))
on conflict (conn_id) do update set timezone = excluded.timezone, window_length = excluded.window_length
where (held.timezone, held.window_length) is distinct from (excluded.timezone, excluded.window_length)
"""

# Without collect_from an app is wanted from the window's oldest day when it was first seen.
SYNC_APP = """
insert into core.app as held (app_id, name, conn_id, wanted_from, wanted_until)
select app.app_id, app.name, :conn_id, coalesce(app.collect_from, :oldest_day), app.collect_until
from
    unnest(
        cast(:app_ids as text []), cast(:names as text []),
        cast(:collect_from as date []), cast(:collect_until as date [])
    ) as app (app_id, name, collect_from, collect_until)
-- Nothing is written where nothing changed, and an app's first day stays unless it is configured.
where not exists (
    select from core.app as known
    where
        known.app_id = app.app_id and known.name = app.name and known.conn_id = :conn_id
        and known.wanted_from = coalesce(app.collect_from, known.wanted_from)
        and known.wanted_until is not distinct from app.collect_until
)
order by app.app_id
on conflict (app_id) do update set
    name = excluded.name,
    conn_id = excluded.conn_id,
    wanted_from = case
        when held.app_id = any(cast(:with_first_day as text [])) then excluded.wanted_from
        else held.wanted_from
    end,
    wanted_until = excluded.wanted_until
"""

RETIRE = """
update core.app set wanted_until = :yesterday
where
    conn_id = :conn_id
    and not (app_id = any(:configured))
    and (wanted_until is null or wanted_until > :yesterday)
"""

RETIRE_OTHERS = """
update core.app set wanted_until = (:now at time zone account.timezone)::date - 1
from core.vendor_account as account
where
    app.conn_id = account.conn_id
    and not (app.conn_id = any(:conn_ids))
    and (app.wanted_until is null or app.wanted_until >= (:now at time zone account.timezone)::date)
"""


def sync(
    connection: Connection,
    account: DashboardSettings,
    apps: Sequence[AppSettings],
    *,
    oldest_day: date,
    yesterday: date,
) -> None:
    """Carry one account and all its apps over; apps no longer configured are wanted until yesterday.

    Args:
        connection: To the warehouse, in the caller's transaction.
        account: The vendor account.
        apps: The apps configured for it.
        oldest_day: First wanted day of apps seen for the first time without a `collect_from`.
        yesterday: In the account's time zone.
    """
    connection.execute(
        text(SYNC_ACCOUNT),
        {"conn_id": account.conn_id, "timezone": account.timezone, "window": account.window},
    )
    connection.execute(
        text(SYNC_APP),
        {
            "conn_id": account.conn_id,
            "oldest_day": oldest_day,
            "app_ids": [app.app_id for app in apps],
            "names": [app.name or app.app_id for app in apps],
            "collect_from": [app.collect_from for app in apps],
            "collect_until": [app.collect_until for app in apps],
            "with_first_day": [app.app_id for app in apps if app.collect_from],
        },
    )
    connection.execute(
        text(RETIRE),
        {
            "conn_id": account.conn_id,
            "configured": [app.app_id for app in apps],
            "yesterday": yesterday,
        },
    )


def retire_others(connection: Connection, conn_ids: Sequence[str], now: datetime) -> None:
    """Let the apps of accounts that are no longer configured be wanted until yesterday.

    Args:
        connection: To the warehouse, in the caller's transaction.
        conn_ids: The accounts that are configured.
        now: The current time, with time zone.
    """
    connection.execute(text(RETIRE_OTHERS), {"conn_ids": list(conn_ids), "now": now})
