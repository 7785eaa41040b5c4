"""The Airflow variables `agora_apps`, `agora_contracts` and `agora_alerts`, read and validated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Variable
from airflow.sdk.log import mask_secret

from agora.errors import SettingsError
from agora.forward_proxy import Proxy, proxy_for
from agora.hooks.connections import hide_proxy, stored_connection

# Each function imports its own parser, because a task reads only one or two of the variables.
if TYPE_CHECKING:
    from agora.settings.alerts import AlertSettings
    from agora.settings.apps import AppSettings
    from agora.settings.contracts import Contract

APPS_VARIABLE = "agora_apps"


def configured_apps() -> dict[str, list[AppSettings]]:
    """Return the configured apps, grouped by the connection of their account.

    Raises:
        SettingsError: The variable is not set or not usable.
    """
    from agora.settings.apps import parse_apps

    value = Variable.get(APPS_VARIABLE, default=None)
    if value is None:
        raise SettingsError(
            f"The variable {APPS_VARIABLE} is not set. Set it to a JSON list of App IDs, such as"
            ' ["<App ID>"]. If the variable exists, it was encrypted with another Fernet key: start Airflow'
            " with that key too."
        )
    by_connection: dict[str, list[AppSettings]] = {}
    for app in parse_apps(value):
        by_connection.setdefault(app.conn_id, []).append(app)
    return by_connection


def configured_contracts() -> list[Contract]:
    """Return the contracts of the billing groups. Default: none.

    Raises:
        SettingsError: The variable is not usable.
    """
    from agora.settings.contracts import CONTRACTS_VARIABLE, parse_contracts

    value = Variable.get(CONTRACTS_VARIABLE, default=None)
    return [] if value is None else parse_contracts(value)


def configured_alerts() -> AlertSettings:
    """Return the alert settings, which define who is notified of failed runs. Default: nobody.

    Raises:
        SettingsError: The variable is not usable.
    """
    from agora.settings.alerts import ALERTS_VARIABLE, AlertSettings, parse_alerts

    value = Variable.get(ALERTS_VARIABLE, default=None)
    return AlertSettings() if value is None else parse_alerts(value)


def webhook(conn_id: str) -> tuple[str, Proxy | None]:
    """Return the webhook's URL and its proxy, and mask the secrets of both in all later log lines.

    Raises:
        SettingsError: The connection does not exist, its password is not a URL that may receive alerts, or
            the proxy in its extra or in the environment is not usable.
    """
    from agora.settings.alerts import require_webhook

    connection = stored_connection(conn_id, "of any type, with the webhook's URL as its password")
    if connection.password:
        mask_secret(connection.password)
    url = require_webhook(connection.password, conn_id)
    try:
        proxy = proxy_for(url, connection.extra_dejson.get("proxy"))
    except ValueError as error:
        raise SettingsError(
            f"The connection {conn_id} is not usable: proxy: {error}", conn_id=conn_id
        ) from None
    hide_proxy(proxy)
    return url, proxy
