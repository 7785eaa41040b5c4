"""Run parameters: fields that several trigger forms share, their templates and their validation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from agora.client.channel_request import CNAME_PATTERN, LEAST_UID, MOST_UID, URL_PATTERN
from agora.errors import SettingsError
from agora.settings import PUSH_STREAM_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.settings.apps import AppSettings

# TriggerDagRunOperator adds this key to the conf of the run that it triggers.
ADDED_BY_AIRFLOW = {"openlineage"}

APP_IDS = Param(
    None,
    type=["array", "null"],
    items={"type": "string"},
    title="Apps",
    description="App IDs or names, one per line. Empty: all apps.",
)

DAYS_AND_APPS: dict[str, Param] = {
    # The defaults are not dates, because Airflow evaluates a default when it parses the DAG file.
    "from_date": Param(
        None,
        type=["string", "null"],
        format="date",
        title="From",
        description="First usage date, in the account's time zone. Empty: the oldest day in the vendor"
        " window.",
    ),
    "to_date": Param(
        None,
        type=["string", "null"],
        format="date",
        title="To",
        description="Last usage date, inclusive. Empty: yesterday.",
    ),
    "app_ids": APP_IDS,
}

CNAME: dict[str, Any] = {
    "type": "string",
    "pattern": CNAME_PATTERN,
    "title": "Channel",
    "description_md": "Channel name, 1 to 64 printable ASCII characters.",
}
# The form's error message repeats this description. Up to 50 characters fit on one line.
URLS: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": "string",
        "pattern": f"^$|{URL_PATTERN}",
        "description": "A stream URL: rtmp:// or rtmps://, without spaces.",
    },
    "title": "Stream URLs",
    "description": "Destinations of the push, one per line: rtmp:// or rtmps://.",
}
CHANNEL: dict[str, Param] = {
    "cname": Param(**CNAME),
    "urls": Param(None, **URLS),
    "uids": Param(
        None,
        type=["array", "null"],
        # No type here, because Airflow's form shows a JSON editor for a list of integers.
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
        description="For update: the uids of the hosts in order, one per line.",
    ),
    "conn_id": Param(
        PUSH_STREAM_CONN_ID,
        type="string",
        title="Connection",
        description="Connection of the channel's app. Its type is Agora Push-Stream.",
        section="Another app",
    ),
}


def lines_template(field: str, kind: str = "string") -> str:
    """Return a template that renders a form field with one value per line as a JSON list without empty lines.

    Args:
        field: Name of the field.
        kind: Value type, for choosing a Jinja filter: string or int.
    """
    return f"{{{{ (params.{field} or []) | select | map('{kind}') | list | tojson }}}}"


def refuse_unknown_keys(context: Context) -> None:
    """Raise an error if the run's conf has a key that is not a parameter of its DAG.

    Airflow ignores such a key. A misspelt parameter would therefore keep its default, which may select all
    apps. Call this function inside `noting_errors(context)`, before the task requests or changes anything.

    Raises:
        SettingsError: The conf is not an object or has an unknown key.
    """
    dag, conf = context["dag"], context["dag_run"].conf or {}
    if not isinstance(conf, dict):
        raise SettingsError(f"The conf of {dag.dag_id} must be a JSON object. Nothing was requested.")
    known = {*dag.params, *context["task"].params}
    unknown = sorted(set(conf) - known - ADDED_BY_AIRFLOW)
    if not unknown:
        return
    parameters = f"its parameters are {', '.join(sorted(known))}" if known else "it has no parameters"
    noun = "parameter" if len(unknown) == 1 else "parameters"
    raise SettingsError(
        f"{dag.dag_id} does not accept the {noun} {', '.join(unknown)}; {parameters}. Nothing was requested."
    )


def as_list(name: str, value: Any) -> list[Any]:
    """Return a template field as a list. An empty value or null becomes an empty list.

    Args:
        name: Name of the field, for the error message.
        value: A list, or the JSON text that a template rendered.

    Raises:
        SettingsError: The value is neither a list nor the JSON text of one.
    """
    try:
        found = json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        found = value
    if found and not isinstance(found, list | tuple):
        raise SettingsError(f'{name} is neither a list nor the JSON text of a list, such as ["…"].')
    return list(found or ())


def as_date(value: str) -> date | None:
    """Return a template field as a date, or None if the field is empty."""
    return date.fromisoformat(value) if value else None


def chosen_apps(value: Any, configured: Mapping[str, Sequence[AppSettings]]) -> list[str]:
    """Return the App IDs that the template field `app_ids` selects by App ID or name. Empty: no selection.

    Args:
        value: A list of App IDs and names, or the JSON text that a template rendered.
        configured: Configured apps by connection.

    Raises:
        SettingsError: The value is neither a list nor the JSON text of one.
        SelectionInvalid: An entry matches no configured app, or more than one.
    """
    from agora.settings.apps import find_apps

    known = [(app.app_id, app.name) for apps in configured.values() for app in apps]
    return find_apps(map(str, as_list("app_ids", value)), known)
