"""Settings in the `agora_alerts` variable: recipients and days of warning. Also validates webhook URLs."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agora.errors import SettingsError
from agora.settings.validation import plain
from agora.urls import is_loopback, split_address

ALERTS_VARIABLE = "agora_alerts"


class AlertSettings(BaseModel):
    """Who is notified when a run fails. Default: nobody.

    Attributes:
        email: Recipients' e-mail addresses.
        smtp_conn_id: Connection of type `smtp` that sends the e-mail.
        webhook_conn_id: Connection whose password is the webhook's URL. Alerts are sent to this URL as JSON.
        days_of_warning: The expiry monitor fails if a missing day expires in this many days or fewer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: tuple[Annotated[str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")], ...] = ()
    smtp_conn_id: Annotated[str, Field(min_length=1)] = "smtp_default"
    webhook_conn_id: Annotated[str, Field(min_length=1)] | None = None
    days_of_warning: Annotated[int, Field(ge=1, le=27)] = 7


def parse_alerts(value: str) -> AlertSettings:
    """Return the settings in the `agora_alerts` variable, a JSON object.

    Raises:
        SettingsError: The value is invalid. The message names the field.
    """
    try:
        return AlertSettings.model_validate(json.loads(value))
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"The variable {ALERTS_VARIABLE} is not usable: {plain(error)}") from None


def require_webhook(url: str | None, conn_id: str) -> str:
    """Return a webhook's URL if alerts may be sent to it. The URL is a secret, so no message contains it.

    Raises:
        SettingsError: The URL is missing or invalid, or uses plain HTTP to another machine.
    """
    parts = split_address(url or "")
    is_safe = parts and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
    if not url or not is_safe:
        raise SettingsError(
            f"The connection {conn_id} is not usable as a webhook: its password must be the complete URL,"
            " https://… (plain HTTP is accepted only for this machine).",
            conn_id=conn_id,
        )
    return url
