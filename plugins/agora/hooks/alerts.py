"""Whom to tell, from the variable `agora_alerts`; the webhook's address, from its connection."""

from __future__ import annotations

from airflow.sdk import Variable
from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from agora.alerts.settings import ALERTS_VARIABLE, AlertSettings, parse_alerts, require_webhook
from agora.errors import SettingsError


def configured_alerts() -> AlertSettings:
    """Return whom to tell: nobody where the variable is not set.

    Raises:
        SettingsError: The variable is not usable.
    """
    value = Variable.get(ALERTS_VARIABLE, default=None)
    return AlertSettings() if value is None else parse_alerts(value)


def webhook_url(conn_id: str) -> str:
    """Return the webhook's address, hidden from every log from here on.

    Raises:
        SettingsError: There is no such connection, or its password is no address to send alerts to.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SettingsError(
            f"There is no connection {conn_id}: create it under Admin, Connections, of any type, with the"
            " webhook's address as its password."
        ) from None
    if connection.password:
        mask_secret(connection.password)
    return require_webhook(connection.password, conn_id)
