"""The description of the Dashboard RESTful API: bandwidth and open state."""

from __future__ import annotations

from typing import Any

from sandbox.dashboard import BANDWIDTH_PATH, OPEN_STATE_PATH
from sandbox.openapi.parts import EXAMPLE_APP_ID, TEXT, answer, body, json_object, ref
from sandbox.slots import SLOT_LABELS

TAG = {
    "name": "Vendor's Dashboard RESTful API",
    "description": "Imitates the vendor. HTTP Basic with Customer ID and Customer Certificate; every call "
    "counts against the account's rate limit. Any other path or method answers 404.",
}

_APP_ID = {
    "name": "app_id",
    "in": "path",
    "required": True,
    "description": "App ID of the project: 32 hexadecimal digits.",
    "schema": TEXT,
    "example": EXAMPLE_APP_ID,
}
_DATE = {
    "name": "date",
    "in": "query",
    "required": False,
    "description": "The usage date, YYYYMMDD; without it, yesterday.",
    "schema": {"type": "string", "pattern": "^[0-9]{8}$"},
    "example": "20180807",
}
_BANDWIDTH = (
    "One app's five-minute points of one day: 288 in all, fewer for today and where a point was not "
    "delivered. Checks, in this order: credentials (401), rate limit (429), path, foreign App ID (401; "
    "scripted), App ID (404), form of the date (400), other scripted faults, window (400)."
)
_OPEN_STATE = "Whether push-streaming is enabled for the app. It is not at first."
_APPLY = (
    "Applies for push-streaming to be enabled for the app. The sandbox grants the application at once, "
    "unless a control call changes that. Checks, in this order: credentials (401), rate limit (429), path, "
    "foreign App ID (401; scripted), App ID (404), body (400), other scripted faults. The body is optional. "
    "A body must be a JSON object with a JSON Content-Type."
)
_BAD_DATE = (
    "The date is malformed, in the future, or older than the window.",
    "The date is written YYYYMMDD.",
)
_BAD_BODY = ("The body is no JSON object, or does not say that it is.", "The body is not JSON.")
_FAILURES = {
    401: (
        "Customer ID or Customer Certificate is missing or wrong, or a fault declares the App ID foreign.",
        "Customer ID and Customer Certificate are missing or wrong.",
    ),
    404: (
        "The App ID is not in the account, or there is no such call.",
        "There is no such App ID in this account.",
    ),
    429: (
        "The account calls too often. Retry-After is sent only where --retry-after says so.",
        "Too many requests: the account's rate limit is reached.",
    ),
    500: (
        "The server failed. The sandbox returns this status only because of a scripted fault.",
        "A scripted fault returned HTTP 500.",
    ),
}


def paths() -> dict[str, Any]:
    """Describes the calls."""
    points = {"date": "2018-08-07", "unit": "kbps", "value": {"00:00": 100, "00:05": 200, "23:55": 100}}
    bandwidth = answer("The day's points; the date is spelt YYYY-MM-DD here.", ref("Bandwidth"), points)
    state = answer("Whether it is enabled.", ref("OpenState"), {"enable": True})
    return {
        BANDWIDTH_PATH: {
            "get": _call("bandwidth", "Bandwidth of one app on one day", _BANDWIDTH, bandwidth, _BAD_DATE)
            | {"parameters": [_APP_ID, _DATE]}
        },
        OPEN_STATE_PATH: {
            "get": _call("open_state", "Whether one app may push streams", _OPEN_STATE, state),
            "post": _call("apply_for_opening", "Apply for one app to push streams", _APPLY, state, _BAD_BODY)
            | {"requestBody": body({"type": "object"}, {}, required=False)},
        },
    }


def schemas() -> dict[str, Any]:
    """Describes what the calls answer."""
    value = {
        "type": "object",
        "description": "kbps by the start of the five-minute slot.",
        "propertyNames": {"enum": list(SLOT_LABELS)},
        "additionalProperties": {"type": "number", "minimum": 0},
    }
    date = {"type": "string", "format": "date"}
    return {
        "Bandwidth": json_object({"date": date, "unit": {"const": "kbps"}, "value": value}),
        "OpenState": json_object({"enable": {"type": "boolean"}}),
        "Failure": json_object({"message": TEXT}),
    }


def _call(
    name: str,
    summary: str,
    about: str,
    success: dict[str, Any],
    bad_request: tuple[str, str] | None = None,
) -> dict[str, Any]:
    failures = ({} if bad_request is None else {400: bad_request}) | _FAILURES
    return {
        "operationId": name,
        "tags": [TAG["name"]],
        "summary": summary,
        "description": about,
        "security": [{"customer": []}],
        "parameters": [_APP_ID],
        "responses": {
            "200": success,
            **{
                str(status): answer(meaning, ref("Failure"), {"message": message})
                for status, (meaning, message) in failures.items()
            },
        },
    }
