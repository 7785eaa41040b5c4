"""The demo's contract and its scripted exceptions, which show every app-day state and a restatement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a type here

PARTIAL_APP, RESTATED_APP, REMOVED_APP = 5, 7, 19  # indexes into the sandbox's list of apps
WITHHELD = ["09:40", "09:45", "09:50", "14:05", "14:10", "14:15"]
EVENTS, MEETINGS = "Live events", "Meetings"
GROUPS = {"livestream": EVENTS, "overseas": EVENTS}  # keyed by the part of the app name before the hyphen
CLOSED_APP_ID, CLOSED_APP, CLOSED_ACCOUNT = "c105ed" + "0" * 26, "former-partner", "agora_closed_account"
CONTRACT = {
    "billing_group": MEETINGS,
    "method": "p95_kbps",
    "commit_kbps": 1_000_000,
    "price_per_mbps": "0.85",
    "currency": "EUR",
}
# Reason for each kind of exception, for the demo's output.
REASONS = {
    "partial": f"the sandbox withholds {len(WITHHELD)} points",
    "rejected": "the sandbox returns invalid JSON",
    "failed": "the sandbox returns HTTP 500",
    "pending": "entered by the demo: the app's account is closed, so the day is not requested",
    "lost": "entered by the demo: the day left the vendor window before it was collected",
    "restated": "the sandbox's second response contradicts its first",
}

# A day becomes lost only after weeks, and stays pending only until the next run. The demo therefore records
# two apps as removed from agora_apps today: one in the demo's account, and one in a closed account.
REMOVED_APPS = """
insert into core.vendor_account (conn_id, timezone, window_length)
values ('agora_dashboard', 'UTC', '1 month'), (%(closed_account)s, 'UTC', '1 month')
on conflict do nothing;
insert into core.app (app_id, name, conn_id, billing_group, wanted, oldest_shown, removed_on)
values
    (%(removed_app_id)s, %(removed_app)s, 'agora_dashboard', %(group)s,
        datemultirange(daterange(%(today)s - 10, %(today)s)), %(today)s - 10, %(today)s),
    (%(closed_app_id)s, %(closed_app)s, %(closed_account)s, %(group)s,
        datemultirange(daterange(%(today)s - 45, %(today)s - 40), daterange(%(today)s - 3, %(today)s)),
        %(today)s - 45, %(today)s)
on conflict do nothing
"""


def faults(today: date) -> list[dict[str, Any]]:
    """Return the fault script for one partial, one rejected, one failed and one restated app-day."""

    def day(age: int) -> str:
        return (today - timedelta(days=age)).isoformat()

    restated = {"app": RESTATED_APP, "usage_date": day(4), "times": 1}
    return [
        {"kind": "withhold", "app": PARTIAL_APP, "usage_date": day(5), "slots": WITHHELD},
        {"kind": "body", "app": REMOVED_APP, "usage_date": day(6), "body": '{"date": NaN'},
        {"kind": "status", "app": REMOVED_APP, "usage_date": day(4), "status": 500, "retry_after": 0},
        # The first response is incomplete, so the next run requests the day again and gets different points.
        {"kind": "restate", "factor": 0.8, **restated},
        {"kind": "withhold", "slots": WITHHELD, **restated},
    ]


def configured_apps(apps: Sequence[Mapping[str, str]]) -> str:
    """Return the value of the variable `agora_apps`: all apps except the removed one, in two groups."""
    grouped = [
        {**app, "billing_group": GROUPS.get(app["name"].partition("-")[0], MEETINGS)}
        for index, app in enumerate(apps)
        if index != REMOVED_APP
    ]
    return json.dumps(grouped, indent=2)


def record_removed_apps(owner: Connection, apps: Sequence[Mapping[str, str]], today: date) -> None:
    """Record two removed apps in the warehouse, unless an earlier demo run recorded them."""
    removed = apps[REMOVED_APP]
    values = {
        "removed_app_id": removed["app_id"],
        "removed_app": removed["name"],
        "closed_app_id": CLOSED_APP_ID,
        "closed_app": CLOSED_APP,
        "closed_account": CLOSED_ACCOUNT,
        "group": EVENTS,
        "today": today,
    }
    with owner.cursor() as cursor:
        cursor.execute(REMOVED_APPS, values)
