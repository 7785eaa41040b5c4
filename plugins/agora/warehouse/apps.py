"""Vendor accounts and apps as configured, carried over into the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, text

from agora.settings import AppSettings, DashboardSettings

SYNC_ACCOUNT = """
insert into core.vendor_account as held (conn_id, timezone, window_length)
values (:conn_id, :timezone, cast(:window as interval))
on conflict (conn_id) do update set timezone = excluded.timezone, window_length = excluded.window_length
where (held.timezone, held.window_length) is distinct from (excluded.timezone, excluded.window_length)
"""

# Without collect_from an app is wanted from the window's oldest day when it was first seen, and that stays.
SYNC_APP = """
insert into core.app as held (app_id, name, conn_id, wanted_from, wanted_until)
values (:app_id, :name, :conn_id, coalesce(:collect_from, :oldest_day), :collect_until)
on conflict (app_id) do update set
    name = excluded.name,
    conn_id = excluded.conn_id,
    wanted_from = coalesce(:collect_from, held.wanted_from),
    wanted_until = excluded.wanted_until
where
    (held.name, held.conn_id, held.wanted_from, held.wanted_until)
    is distinct from (
        excluded.name, excluded.conn_id, coalesce(:collect_from, held.wanted_from), excluded.wanted_until
    )
"""

RETIRE = """
update core.app set wanted_until = :yesterday
where
    conn_id = :conn_id
    and not (app_id = any(:configured))
    and (wanted_until is null or wanted_until > :yesterday)
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
    if apps:
        connection.execute(
            text(SYNC_APP),
            [
                {
                    "app_id": app.app_id,
                    "name": app.name or app.app_id,
                    "conn_id": app.conn_id,
                    "collect_from": app.collect_from,
                    "collect_until": app.collect_until,
                    "oldest_day": oldest_day,
                }
                for app in sorted(apps, key=lambda app: app.app_id)
            ],
        )
    connection.execute(
        text(RETIRE),
        {
            "conn_id": account.conn_id,
            "configured": [app.app_id for app in apps],
            "yesterday": yesterday,
        },
    )
