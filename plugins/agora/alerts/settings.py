"""The variable `agora_alerts`: whom to tell, and how early; and what a webhook's address must be like."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agora.errors import SettingsError
from agora.settings import plain
from agora.urls import is_loopback, split_address

ALERTS_VARIABLE = "agora_alerts"


class AlertSettings(BaseModel):
    """Whom to tell of a failed run; nobody, unless set.

    Attributes:
        email: Addresses that get an e-mail.
        smtp_conn_id: Connection of type `smtp` through which it is sent.
        webhook_conn_id: Connection whose password is the address that gets a JSON POST.
        days_of_warning: The watch fails when a day has no more than so many days left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: tuple[Annotated[str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")], ...] = ()
    smtp_conn_id: Annotated[str, Field(min_length=1)] = "smtp_default"
    webhook_conn_id: Annotated[str, Field(min_length=1)] | None = None
    days_of_warning: Annotated[int, Field(ge=1, le=27)] = 7


def parse_alerts(value: str) -> AlertSettings:
    """Read the variable `agora_alerts`, a JSON object.

    Raises:
        SettingsError: It is no such object; the message names the field.
    """
    try:
        return AlertSettings.model_validate(json.loads(value))
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"The variable {ALERTS_VARIABLE} is not usable: {plain(error)}") from None


def require_webhook(url: str | None, conn_id: str) -> str:
    """Return a webhook's address if alerts may go there; it is a secret, so no message repeats it.

    Raises:
        SettingsError: It is absent, no address, or plain HTTP to another machine.
    """
    parts = split_address(url or "")
    is_safe = parts and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
    if not url or not is_safe:
        raise SettingsError(
            f"The connection {conn_id} is not usable as a webhook: its password must be the whole address,"
            " https://… (plain HTTP only to this machine)."
        )
    return url
