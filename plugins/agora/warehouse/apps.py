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

# Without collect_from an app is wanted from the window's oldest day when it is first seen, or comes back:
# what the vendor no longer showed by then is not missed.
SYNC_APP = """
with configured as (
    select
        app.*,
        datemultirange(daterange(coalesce(app.collect_from, :oldest_day), null))
        * datemultirange(daterange(null, app.collect_until, '[]')) as wanted
    from
        unnest(
            cast(:app_ids as text []), cast(:names as text []),
            cast(:collect_from as date []), cast(:collect_until as date [])
        ) as app (app_id, name, collect_from, collect_until)
),
aimed as (
    select
        configured.app_id,
        configured.name,
        case
            when known.app_id is null or configured.collect_from is not null then configured.wanted
            else
                (known.wanted + configured.wanted)
                * datemultirange(daterange(null, configured.collect_until, '[]'))
        end as wanted
    from configured left join core.app as known using (app_id)
)
insert into core.app as held (app_id, name, conn_id, wanted)
select aimed.app_id, aimed.name, :conn_id, aimed.wanted
from aimed
-- Nothing is written where nothing changed.
where not exists (
    select from core.app as known
    where
        known.app_id = aimed.app_id and known.name = aimed.name and known.conn_id = :conn_id
        and known.wanted = aimed.wanted and known.removed_on is null
)
order by aimed.app_id
on conflict (app_id) do update set
    name = excluded.name,
    conn_id = excluded.conn_id,
    wanted = excluded.wanted,
    removed_on = null
"""

# An app that comes back or moves may be shown again what was given up for lost.
COMING = """
select app_id from core.app where app_id = any(:app_ids) and (removed_on is not null or conn_id <> :conn_id)
"""
REOPEN = """
update core.app_day as app_day set state = 'failed'
from core.app as app
where
    app.app_key = app_day.app_key
    and app.app_id = any(:coming)
    and app_day.state = 'lost'
    and app_day.usage_date >= :oldest_day
"""

RETIRE = """
update core.app set wanted = wanted * datemultirange(daterange(null, :today)), removed_on = :today
where conn_id = :conn_id and removed_on is null and not (app_id = any(:configured))
"""

RETIRE_OTHERS = """
update core.app set
    wanted = wanted * datemultirange(daterange(null, today.usage_date)),
    removed_on = today.usage_date
from
    core.vendor_account as account
    cross join lateral (select (:now at time zone account.timezone)::date as usage_date) as today
where
    app.conn_id = account.conn_id
    and app.removed_on is null
    and not (app.app_id = any(:configured))
    and not (app.conn_id = any(:conn_ids))
"""


def sync(
    connection: Connection,
    account: DashboardSettings,
    apps: Sequence[AppSettings],
    *,
    oldest_day: date,
    today: date,
    configured_elsewhere: Sequence[str] = (),
) -> None:
    """Carry one account and all its apps over; apps no longer configured are wanted until yesterday.

    Args:
        connection: To the warehouse, in the caller's transaction.
        account: The vendor account.
        apps: The apps configured for it.
        oldest_day: First wanted day of apps seen for the first time without a `collect_from`.
        today: In the account's time zone.
        configured_elsewhere: App IDs configured for other accounts, which are on their way there.
    """
    sync_account(connection, account)
    coming = connection.execute(
        text(COMING), {"conn_id": account.conn_id, "app_ids": [app.app_id for app in apps]}
    ).scalars()
    if app_ids := list(coming):
        connection.execute(text(REOPEN), {"coming": app_ids, "oldest_day": oldest_day})
    connection.execute(
        text(SYNC_APP),
        {
            "conn_id": account.conn_id,
            "oldest_day": oldest_day,
            "app_ids": [app.app_id for app in apps],
            "names": [app.name or app.app_id for app in apps],
            "collect_from": [app.collect_from for app in apps],
            "collect_until": [app.collect_until for app in apps],
        },
    )
    connection.execute(
        text(RETIRE),
        {
            "conn_id": account.conn_id,
            "configured": [*(app.app_id for app in apps), *configured_elsewhere],
            "today": today,
        },
    )


def sync_account(connection: Connection, account: DashboardSettings) -> None:
    """Carry one account over, in the caller's transaction."""
    connection.execute(
        text(SYNC_ACCOUNT),
        {"conn_id": account.conn_id, "timezone": account.timezone, "window": account.window},
    )


def removed(connection: Connection, conn_id: str) -> list[str]:
    """Return the App IDs of an account that are no longer configured; their open days can still be had."""
    rows = connection.execute(
        text("select app_id from core.app where conn_id = :conn_id and removed_on is not null order by 1"),
        {"conn_id": conn_id},
    )
    return list(rows.scalars())


def accounts_of_removed(connection: Connection) -> list[str]:
    """Return the accounts whose removed apps have open days that the vendor may still show."""
    rows = connection.execute(
        text(
            "select distinct app.conn_id from core.wanted_app_day as wanted"
            " inner join core.app as app using (app_key)"
            " where app.removed_on is not null and wanted.expires_on >= wanted.today"
            " and wanted.state in ('pending', 'failed', 'rejected') order by 1"
        )
    )
    return list(rows.scalars())


def retire_others(
    connection: Connection, conn_ids: Sequence[str], configured: Sequence[str], now: datetime
) -> None:
    """Let the apps of accounts that are no longer configured be wanted until yesterday.

    Args:
        connection: To the warehouse, in the caller's transaction.
        conn_ids: The accounts that are configured.
        configured: The App IDs that are configured, for whatever account.
        now: The current time, with time zone.
    """
    connection.execute(
        text(RETIRE_OTHERS), {"conn_ids": list(conn_ids), "configured": list(configured), "now": now}
    )
