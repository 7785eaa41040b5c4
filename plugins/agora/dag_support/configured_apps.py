"""The configured apps, from the variable `agora_apps`."""

from __future__ import annotations

from airflow.sdk import Variable

from agora.errors import SettingsError
from agora.settings import AppSettings, parse_apps

APPS_VARIABLE = "agora_apps"


def configured_apps() -> dict[str, list[AppSettings]]:
    """Return the configured apps by the connection that owns them.

    Raises:
        SettingsError: The variable is absent or not usable.
    """
    value = Variable.get(APPS_VARIABLE, default=None)
    if value is None:
        raise SettingsError(
            f'The variable {APPS_VARIABLE} is not set: make it a JSON list of App IDs, such as ["<App ID>"].'
            " If it is there, it is stored with another Fernet key: start Airflow with that key, too."
        )
    by_connection: dict[str, list[AppSettings]] = {}
    for app in parse_apps(value):
        by_connection.setdefault(app.conn_id, []).append(app)
    return by_connection
