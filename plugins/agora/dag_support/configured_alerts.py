"""Whom to tell, from the variable `agora_alerts`; the webhook's address, from its connection."""

from __future__ import annotations

from airflow.sdk import Variable
from airflow.sdk.log import mask_secret

from agora.alerts.settings import ALERTS_VARIABLE, AlertSettings, parse_alerts, require_webhook
from agora.errors import SettingsError
from agora.forward_proxy import Proxy, proxy_for
from agora.hooks.connections import stored_connection
from agora.hooks.proxy import hide_proxy


def configured_alerts() -> AlertSettings:
    """Return whom to tell: nobody where the variable is not set.

    Raises:
        SettingsError: The variable is not usable.
    """
    value = Variable.get(ALERTS_VARIABLE, default=None)
    return AlertSettings() if value is None else parse_alerts(value)


def webhook(conn_id: str) -> tuple[str, Proxy | None]:
    """Return the webhook's address and the proxy to it, their secrets hidden from every log from here on.

    Raises:
        SettingsError: There is no such connection, or its password is no address to send alerts to, or its
            extra `proxy` or the environment's proxy is not usable.
    """
    connection = stored_connection(conn_id, "of any type, with the webhook's address as its password")
    if connection.password:
        mask_secret(connection.password)
    url = require_webhook(connection.password, conn_id)
    try:
        proxy = proxy_for(url, connection.extra_dejson.get("proxy"))
    except ValueError as error:
        raise SettingsError(f"The connection {conn_id} is not usable: proxy: {error}") from None
    hide_proxy(proxy)
    return url, proxy
