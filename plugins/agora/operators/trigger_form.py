"""Fields that the trigger forms of several DAGs share, or that say what may be asked of the vendor."""

from __future__ import annotations

from airflow.sdk import Param

from agora.settings import PUSH_STREAM_CONN_ID
from agora.vendor.channel_request import CNAME_PATTERN, LEAST_UID, MOST_UID, URL_PATTERN

APP_IDS = Param(
    None,
    type=["array", "null"],
    items={"type": "string"},
    title="Apps",
    description="App IDs, one a line. Empty: all apps.",
)

DAYS_AND_APPS: dict[str, Param] = {
    "from_date": Param(
        type="string",
        format="date",
        title="From",
        description="First usage date, in the account's time zone.",
    ),
    "to_date": Param(type="string", format="date", title="To", description="Last usage date, included."),
    "app_ids": APP_IDS,
}

CHANNEL: dict[str, Param] = {
    "cname": Param(
        type="string",
        pattern=CNAME_PATTERN,
        title="Channel",
        description="The channel's name, 1 to 64 printable ASCII characters.",
    ),
    "urls": Param(
        None,
        type=["array", "null"],
        items={"type": "string", "pattern": URL_PATTERN},
        title="Stream URLs",
        description="Where to push to, one a line: rtmp:// or rtmps://.",
    ),
    "uids": Param(
        None,
        type=["array", "null"],
        items={"type": "integer", "minimum": LEAST_UID, "maximum": MOST_UID},
        title="Hosts' uids",
        description="For update: a JSON list of positive whole numbers, the hosts in their order.",
    ),
    "conn_id": Param(
        PUSH_STREAM_CONN_ID,
        type="string",
        title="Connection",
        description="Of the app whose channel it is, of the type Agora Push-Stream.",
    ),
}
