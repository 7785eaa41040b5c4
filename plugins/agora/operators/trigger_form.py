"""Fields that the trigger forms of several DAGs share, or that say what may be asked of the vendor."""

from __future__ import annotations

from typing import Any

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

CNAME: dict[str, Any] = {
    "type": "string",
    "pattern": CNAME_PATTERN,
    "title": "Channel",
    "description_md": "Its name, 1 to 64 printable ASCII characters.",
}
# An error of the form repeats the description that stands in a schema; 50 characters of it stay in one line.
URLS: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": "string",
        "pattern": f"^$|{URL_PATTERN}",
        "description": "A stream URL: rtmp:// or rtmps://, without spaces.",
    },
    "title": "Stream URLs",
    "description": "Where to push to, one a line: rtmp:// or rtmps://.",
}
CHANNEL: dict[str, Param] = {
    "cname": Param(**CNAME),
    "urls": Param(None, **URLS),
    "uids": Param(
        None,
        type=["array", "null"],
        # Without a type of its own: the form of a list of integers is an editor of JSON.
        items={
            "anyOf": [
                {"type": "integer", "minimum": LEAST_UID, "maximum": MOST_UID},
                {
                    "type": "string",
                    "pattern": "^([1-9][0-9]{0,9})?$",
                    "description": "A uid: a positive whole number.",
                },
            ]
        },
        title="Hosts' uids",
        description="For update: the hosts in their order, one a line.",
    ),
    "conn_id": Param(
        PUSH_STREAM_CONN_ID,
        type="string",
        title="Connection",
        description="Of the app whose channel it is, of the type Agora Push-Stream.",
        section="Another app",
    ),
}


def lines(field: str, kind: str = "string") -> str:
    """Return the template of a field with one value a line, as JSON; lines left empty are not in it.

    Args:
        field: Its name.
        kind: What a value is, as Jinja's filters have it: string or int.
    """
    return f"{{{{ (params.{field} or []) | select | map('{kind}') | list | tojson }}}}"
