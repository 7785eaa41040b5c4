"""Route for an app-day's history: its responses, each with points or a message, and its restatements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from agora.bandwidth.decode import decode
from agora.client.mask_secrets import LEAST_SECRET_CHARACTERS, mask_secrets
from agora.client.response import Response as VendorResponse
from agora.errors import AgoraError, ResponseRejected
from agora.hooks.dashboard import AgoraDashboardHook
from agora.settings.apps import canonical_app_id
from agora.warehouse.raw_responses import RawResponse
from agora.warehouse.reports.day_history import DayHistory
from agora.warehouse.reports.day_history import day_history as read_day_history
from agora.web.parameters import Day, Text
from agora.web.responses import json_response, reading
from agora.web.thread_pool import PooledRoute

# An unreadable connection's secrets cannot be masked.
WITHHELD = "not shown, because Airflow cannot read the connection of the app's account"

router = APIRouter(prefix="/api", route_class=PooledRoute)


@router.get("/day")
def day(app_id: Annotated[Text, Query(min_length=1)], usage_date: Day) -> Response:
    """Return the state of an app-day, its newest recorded responses, and its restatements."""
    with reading() as connection:
        found = read_day_history(connection, canonical_app_id(app_id), usage_date)
    return json_response(as_json(found, secrets_of(found.accounts)))


def secrets_of(accounts: Mapping[str, bool]) -> list[str] | None:
    """Return the secrets of all accounts, or None if an account's secrets are required but unreadable.

    Args:
        accounts: conn_id → whether the account owns the app or collected the day. The app may also have
            belonged to another account.
    """
    secrets: list[str] = []
    for conn_id, is_required in accounts.items():
        try:
            settings = AgoraDashboardHook(conn_id).get_settings()
            proxy = settings.route()
        except AgoraError:
            if is_required:
                return None
            continue
        secrets += [*settings.secrets, *(proxy.secrets if proxy else ())]
    return [secret for secret in secrets if len(secret) >= LEAST_SECRET_CHARACTERS]


def as_json(found: DayHistory, secrets: Sequence[str] | None) -> dict[str, Any]:
    """Return a history as JSON values, with the points and message of each response instead of its body.

    Args:
        found: The history.
        secrets: Strings that the messages must not contain. None: leave the vendor's messages out.
    """
    return {
        "app": found.app,
        "day": found.day,
        "responses": [
            {
                "fetched_at": response.fetched_at,
                "http_status": response.http_status,
                **_content(response, secrets),
                "is_stored": is_stored,
            }
            for response, is_stored in found.responses
        ],
        "responses_in_all": found.responses_in_all,
        "restatements": found.restatements,
    }


def _content(response: RawResponse, secrets: Sequence[str] | None) -> dict[str, Any]:
    """Return the number of points, or None and the reason if the response has no sound points."""
    if response.fault:
        return {"points": None, "message": response.fault}
    if 200 <= response.http_status < 300:
        try:
            kbps = decode(response.body, response.usage_date)
        except ResponseRejected as error:
            message = WITHHELD if secrets is None else mask_secrets(secrets, str(error))
            return {"points": None, "message": message}
        return {"points": int(np.count_nonzero(~np.isnan(kbps))), "message": ""}
    if secrets is None:
        return {"points": None, "message": WITHHELD}
    vendors = VendorResponse(response.http_status, response.body, response.fetched_at, secrets=tuple(secrets))
    return {"points": None, "message": vendors.message()}
