"""Writes the configured vendor accounts and apps to the warehouse."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, text

from agora.settings.apps import AppSettings
from agora.settings.connections import DashboardSettings

SYNC_ACCOUNT = """
insert into core.vendor_account as stored (conn_id, timezone, window_length)
values (:conn_id, :timezone, cast(:window as interval))
on conflict (conn_id) do update set timezone = excluded.timezone, window_length = excluded.window_length
where (stored.timezone, stored.window_length) is distinct from (excluded.timezone, excluded.window_length)
"""

# Expected days begin with the oldest day that the vendor served when the app was first seen, or when the app
# returned to the configuration. Older days were never available. collect_from and collect_until restrict the
# expected days. Days before a removal stay expected. The oldest day is stored, because the app's time zone
# may change later.
SYNC_APP = """
with configured as (
    select app.*, known.wanted, account.window_length, account.timezone,
        case when known.removed_on is null then known.first_seen_at end as seen_at,
        case
            when known.removed_on is null then coalesce(
                known.oldest_shown,
                ((known.first_seen_at at time zone account.timezone)::date - account.window_length)::date
            )
        end as oldest_shown
    from
        unnest(
            cast(:app_ids as text []), cast(:names as text []), cast(:billing_groups as text []),
            cast(:collect_from as date []), cast(:collect_until as date [])
        ) as app (app_id, name, billing_group, collect_from, collect_until)
    inner join core.vendor_account as account on account.conn_id = :conn_id
    left join core.app as known using (app_id)
),
merged as (
    select
        configured.app_id, configured.name, configured.billing_group,
        configured.collect_from, configured.collect_until,
        coalesce(configured.seen_at, mart.clock()) as seen_at,
        seen.oldest_shown,
        (
            coalesce(configured.wanted, '{}') * datemultirange(daterange(null, seen.oldest_shown))
            + datemultirange(daterange(seen.oldest_shown, null))
        )
        * datemultirange(daterange(configured.collect_from, null))
        * datemultirange(daterange(null, configured.collect_until, '[]')) as wanted
    from configured
    cross join lateral (
        select least(
            configured.oldest_shown,
            ((mart.clock() at time zone configured.timezone)::date - configured.window_length)::date
        ) as oldest_shown
    ) as seen
)
insert into core.app (
    app_id, name, conn_id, billing_group, wanted, collect_from, collect_until, first_seen_at, oldest_shown
)
select
    merged.app_id, merged.name, :conn_id, merged.billing_group, merged.wanted,
    merged.collect_from, merged.collect_until, merged.seen_at, merged.oldest_shown
from merged
-- Skip unchanged apps.
where not exists (
    select from core.app as known
    where
        known.app_id = merged.app_id and known.name = merged.name and known.conn_id = :conn_id
        and known.wanted = merged.wanted and known.removed_on is null
        and (known.billing_group, known.collect_from, known.collect_until, known.oldest_shown)
        is not distinct from
        (merged.billing_group, merged.collect_from, merged.collect_until, merged.oldest_shown)
)
order by merged.app_id
on conflict (app_id) do update set
    name = excluded.name,
    conn_id = excluded.conn_id,
    billing_group = excluded.billing_group,
    wanted = excluded.wanted,
    collect_from = excluded.collect_from,
    collect_until = excluded.collect_until,
    first_seen_at = excluded.first_seen_at,
    oldest_shown = excluded.oldest_shown,
    removed_on = null,
    removed_run = null
"""

RETIRE = """
update core.app set
    wanted = wanted * datemultirange(daterange(null, today.usage_date)),
    removed_on = today.usage_date,
    removed_run = :run_id
from
    core.vendor_account as account
    cross join lateral (select (mart.clock() at time zone account.timezone)::date as usage_date) as today
where app.conn_id = account.conn_id and app.removed_on is null and not (app.app_id = any(:configured))
"""

REMOVED_BY_RUN = """
select app.app_id, app.name
from core.app as app
where app.removed_run = :run_id and not (app.app_id = any(:configured))
order by app.app_id
"""

AVAILABLE_DAYS = """
select
    coalesce(min(app.today - app.window_length), current_date)::date as oldest,
    coalesce(max(app.today), current_date) - 1 as newest
from core.app_calendar as app
"""


class RemovedApps(NamedTuple):
    """Apps that a run found missing from the configuration.

    Attributes:
        apps: App ID and name of each app.
        before: Number of apps that were configured before the run.
    """

    apps: list[tuple[str, str]]
    before: int


def sync(connection: Connection, account: DashboardSettings, apps: Sequence[AppSettings]) -> None:
    """Write one account and all of its apps, in the caller's transaction.

    Args:
        connection: Connection to the warehouse.
        account: The vendor account.
        apps: The apps that are configured for the account.
    """
    sync_account(connection, account)
    connection.execute(
        text(SYNC_APP),
        {
            "conn_id": account.conn_id,
            "app_ids": [app.app_id for app in apps],
            "names": [app.name or app.app_id for app in apps],
            "billing_groups": [app.billing_group or None for app in apps],
            "collect_from": [app.collect_from for app in apps],
            "collect_until": [app.collect_until for app in apps],
        },
    )


def retire(connection: Connection, configured: Sequence[str], run_id: str) -> RemovedApps:
    """Stop expecting data from today onwards for apps that are no longer configured.

    A run may repeat the call.

    Args:
        connection: Connection to the warehouse, in the caller's transaction.
        configured: The configured App IDs of all accounts.
        run_id: The Airflow run ID.

    Returns:
        The apps that this run found missing from the configuration.
    """
    values = {"configured": list(configured), "run_id": run_id}
    connection.execute(text(RETIRE), values)
    gone = [(row.app_id, row.name) for row in connection.execute(text(REMOVED_BY_RUN), values)]
    kept = connection.execute(text("select count(*) from core.app where removed_on is null")).scalar_one()
    return RemovedApps(gone, len(gone) + int(kept))


def sync_account(connection: Connection, account: DashboardSettings) -> None:
    """Write one account, in the caller's transaction."""
    connection.execute(
        text(SYNC_ACCOUNT),
        {"conn_id": account.conn_id, "timezone": account.timezone, "window": account.window},
    )


def removed(connection: Connection, app_ids: Collection[str]) -> dict[str, str]:
    """Return App ID → name of the given apps that have left the configuration."""
    query = "select app_id, name from core.app where removed_on is not null and app_id = any(:app_ids)"
    rows = connection.execute(text(query), {"app_ids": list(app_ids)})
    return {row.app_id: row.name for row in rows}


def accounts(connection: Connection) -> list[str]:
    """Return the connection IDs of all accounts that were ever configured."""
    return list(connection.execute(text("select conn_id from core.vendor_account order by 1")).scalars())


def accounts_of_removed(connection: Connection) -> list[str]:
    """Return the accounts with removed apps whose days the vendor may still serve."""
    rows = connection.execute(
        text(
            "select distinct app.conn_id from core.app as app"
            " inner join core.vendor_account as account using (conn_id)"
            " where mart.lost_on(app.removed_on, account.window_length)"
            " > (mart.clock() at time zone account.timezone)::date order by 1"
        )
    )
    return list(rows.scalars())


def names(connection: Connection) -> list[tuple[str, str]]:
    """Return the App ID and name of every app that was ever configured."""
    return [(app_id, name) for app_id, name in connection.execute(text("select app_id, name from core.app"))]


def available_days(connection: Connection) -> tuple[date, date]:
    """Return the oldest day in any account's vendor window, and the latest finished day."""
    oldest, newest = connection.execute(text(AVAILABLE_DAYS)).one()
    return oldest, newest
