"""Fields that the trigger forms of several DAGs share."""

from __future__ import annotations

from airflow.sdk import Param

DAYS_AND_APPS: dict[str, Param] = {
    "from_date": Param(
        type="string",
        format="date",
        title="From",
        description="First usage date, in the account's time zone.",
    ),
    "to_date": Param(type="string", format="date", title="To", description="Last usage date, included."),
    "app_ids": Param(
        None,
        type=["array", "null"],
        items={"type": "string"},
        title="Apps",
        description="App IDs, one a line. Empty: all apps.",
    ),
}
