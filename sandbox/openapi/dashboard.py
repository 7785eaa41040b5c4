"""The OpenAPI description of the Dashboard RESTful API."""

from __future__ import annotations

from typing import Any

from sandbox.dashboard import BANDWIDTH_PATH, OPEN_STATE_PATH
from sandbox.openapi.components import EXAMPLE_APP_ID, TEXT, json_object, ref, request_body, response
from sandbox.traffic.slots import SLOT_LABELS

TAG = {
    "name": "Vendor's Dashboard RESTful API",
    "description": "Imitates the vendor. Requests use HTTP Basic authentication with the Customer ID and the "
    "Customer Certificate, and count against the account's rate limit. Any other path or method returns 404.",
}

_APP_ID = {
    "name": "app_id",
    "in": "path",
    "required": True,
    "description": "The App ID: 32 hexadecimal digits.",
    "schema": TEXT,
    "example": EXAMPLE_APP_ID,
}
_DATE = {
    "name": "date",
    "in": "query",
    "required": False,
    "description": "The usage date, YYYYMMDD. Default: yesterday.",
    "schema": {"type": "string", "pattern": "^[0-9]{8}$"},
    "example": "20180807",
}
_BANDWIDTH = (
    "Returns the five-minute points of one app-day: 288 points, or fewer for today and for a day with "
    "absent points. The checks run in this order: credentials (401), rate limit (429), path (404), "
    "scripted foreign App ID (401 or 403), App ID (404), format of the date (400), other scripted faults, "
    "vendor window (400)."
)
_OPEN_STATE = "Returns whether push-streaming is enabled for the app. Initially, it is disabled."
_APPLY = (
    "Applies for push-streaming to be enabled for the app. The sandbox grants the application immediately, "
    "unless you change this with /_sandbox/open-grants. The checks run in this order: credentials (401), "
    "rate limit (429), path (404), scripted foreign App ID (401 or 403), App ID (404), body (400), other "
    "scripted faults. The body is optional. A body must be a JSON object with a JSON Content-Type."
)
_BAD_DATE = (
    "The date is malformed, in the future, or older than the window.",
    "The date must have the form YYYYMMDD.",
)
_BAD_BODY = ("The body is not a JSON object, or its Content-Type is not JSON.", "The body is not JSON.")
_ERRORS = {
    401: (
        "The Customer ID or Customer Certificate is missing or wrong, or a fault makes the App ID foreign.",
        "The Customer ID or the Customer Certificate is missing or wrong.",
    ),
    404: (
        "The App ID is not in the account, or the path or method does not exist.",
        "There is no such App ID in this account.",
    ),
    429: (
        "The account has reached its rate limit. The Retry-After header is present only with --retry-after.",
        "Too many requests: the account has reached its rate limit.",
    ),
    500: (
        "The server failed. The sandbox returns this status only because of a scripted fault.",
        "A scripted fault returned HTTP 500.",
    ),
}


def paths() -> dict[str, Any]:
    """Return the paths with their operations."""
    points = {"date": "2018-08-07", "unit": "kbps", "value": {"00:00": 100, "00:05": 200, "23:55": 100}}
    bandwidth = response(
        "The day's points. In the response, the date has the form YYYY-MM-DD.", ref("Bandwidth"), points
    )
    state = response("The open state.", ref("OpenState"), {"enable": True})
    return {
        BANDWIDTH_PATH: {
            "get": _operation(
                "bandwidth", "Get the bandwidth of an app-day", _BANDWIDTH, bandwidth, _BAD_DATE
            )
            | {"parameters": [_APP_ID, _DATE]}
        },
        OPEN_STATE_PATH: {
            "get": _operation("open_state", "Get the open state of an app", _OPEN_STATE, state),
            "post": _operation(
                "apply_for_opening", "Apply to enable push-streaming for an app", _APPLY, state, _BAD_BODY
            )
            | {"requestBody": request_body({"type": "object"}, {}, required=False)},
        },
    }


def schemas() -> dict[str, Any]:
    """Return the schemas for the responses."""
    value = {
        "type": "object",
        "description": "The rate in kbps, keyed by the start of the five-minute slot.",
        "propertyNames": {"enum": list(SLOT_LABELS)},
        "additionalProperties": {"type": "number", "minimum": 0},
    }
    date = {"type": "string", "format": "date"}
    return {
        "Bandwidth": json_object({"date": date, "unit": {"const": "kbps"}, "value": value}),
        "OpenState": json_object({"enable": {"type": "boolean"}}),
        "Failure": json_object({"message": TEXT}),
    }


def _operation(
    name: str,
    summary: str,
    about: str,
    success: dict[str, Any],
    bad_request: tuple[str, str] | None = None,
) -> dict[str, Any]:
    errors = ({} if bad_request is None else {400: bad_request}) | _ERRORS
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
                str(status): response(meaning, ref("Failure"), {"message": message})
                for status, (meaning, message) in errors.items()
            },
        },
    }
