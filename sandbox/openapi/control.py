"""The OpenAPI description of the control endpoints."""

from __future__ import annotations

from typing import Any

from sandbox.control import CONTROL_PATH
from sandbox.openapi import faults
from sandbox.openapi.components import (
    COUNT,
    EXAMPLE_APP_ID,
    EXAMPLE_DATE,
    TEXT,
    json_object,
    ref,
    request_body,
    response,
)

TAG = {
    "name": "Sandbox control",
    "description": "These endpoints belong to the sandbox, not to the vendor. They accept only the host "
    "names of this machine and the name set with --https. Only the App Certificates require credentials.",
}

_BOOLEAN = {"type": "boolean"}
_BOOLEANS = {"type": "object", "additionalProperties": _BOOLEAN}
_COUNTS = {"type": "object", "additionalProperties": COUNT}
_TIME = {"type": "string", "format": "date-time"}
_TIME_OR_NONE = {"type": ["string", "null"], "format": "date-time"}
_FAULTS = request_body(
    {"type": "array", "items": ref("Fault")},
    [{"app": 0, "usage_date": EXAMPLE_DATE, "kind": "status", "status": 503, "times": 2}],
)
_RATE_LIMIT = request_body(
    json_object(
        {
            "per_second": {
                "type": "number",
                "minimum": 0,
                "maximum": 1_000_000,
                "description": "0 means unlimited.",
            }
        }
    ),
    {"per_second": 10},
)
_CREDENTIALS = request_body(
    json_object(
        {
            "customer_id": {"type": "string", "minLength": 1, "pattern": "^[^:]*$"},
            "customer_certificate": {"type": "string", "minLength": 1},
        }
    ),
    {"customer_id": "…", "customer_certificate": "…"},
)
_CLOCK = request_body(json_object({"now": _TIME}), {"now": f"{EXAMPLE_DATE}T12:00:00+00:00"})
_OPEN_STATES = request_body(_BOOLEANS, {EXAMPLE_APP_ID: True})
_GRANTS = request_body(json_object({"granted": _BOOLEAN}), {"granted": False})


def paths() -> dict[str, Any]:
    """Return the paths with their operations."""
    apps = {"type": "array", "items": ref("App")}
    endpoints = {
        "health": {"get": own("health", "Get the settings and the clock", _with("status", "now"))},
        "reset": {"post": own("reset", "Restore the initial state", _with("status", "now"))},
        "apps": {"get": own("apps", "List the account's apps", apps)},
        "stats": {"get": own("stats", "Get the request counts for the Dashboard API", ref("Stats"))},
        "stats/reset": {"post": own("reset_stats", "Set the counts to zero", _with("requests"))},
        "faults": {"put": _put("faults", "Replace the fault script", _with("faults"), _FAULTS)},
        "rate-limit": {"put": _put("rate_limit", "Replace the rate limit", _with("per_second"), _RATE_LIMIT)},
        "credentials": {
            "put": _put("credentials", "Replace the credentials", _with("changed"), _CREDENTIALS)
        },
        "clock": {"put": _put("clock", "Set the clock, which then runs on", _with("now"), _CLOCK)},
        "open-states": {
            "get": own("open_states", "Get the open state of every app", _BOOLEANS),
            "put": _put("open_states", "Open these apps and close all others", _BOOLEANS, _OPEN_STATES),
        },
        "open-grants": {
            "put": _put("open_grants", "Grant or ignore applications", _with("granted"), _GRANTS)
        },
        "channels": {"get": own("channels", "Get the active channels and the counts", ref("Channels"))},
        "channels/reset": {"post": own("reset_channels", "Delete channels, reset counts", _with("channels"))},
        "app-certificates": {"get": _app_certificates()},
    }
    return {f"{CONTROL_PATH}/{name}": methods for name, methods in endpoints.items()}


def schemas() -> dict[str, Any]:
    """Return the schemas for the request and response bodies."""
    refusal = json_object({"status": {"type": "integer"}, "reason": TEXT})
    return {
        "App": json_object(
            {"index": COUNT, "app_id": TEXT, "name": TEXT, "profile": TEXT, "habit": TEXT}
            | dict.fromkeys(("first_usage_date", "last_whole_usage_date", "last_usage_date"), TEXT),
            required=["index", "app_id", "name", "profile", "habit"],
        ),
        "Stats": json_object(
            {
                "requests": COUNT,
                "by_status": _COUNTS,
                "by_app": {"type": "object", "additionalProperties": _COUNTS},
                "usage_dates": {"type": "object", "additionalProperties": _COUNTS},
                "first_request_at": _TIME_OR_NONE,
                "last_request_at": _TIME_OR_NONE,
                "last_answer_at": _TIME_OR_NONE,
                "seconds_from_first_request_to_last_answer": {"type": ["number", "null"]},
                "most_requests_within_one_second": COUNT,
                "allowed": {
                    "type": "number",
                    "description": "The number of requests that the rate limit would have accepted so far.",
                },
                "inside_retry_after": COUNT
                | {"description": "Requests sent before an earlier 429's Retry-After had passed."},
            }
        ),
        "Channels": json_object(
            {
                "channels": {"type": "array", "items": _channel()},
                "requests": COUNT,
                "by_status": _COUNTS,
                "starts": COUNT,
                "updates": COUNT,
                "stops": COUNT,
                "refused": COUNT,
                "last_refusal": {"oneOf": [refusal, {"type": "null"}]},
            }
        ),
        "Fault": faults.schema(),
    }


def own(name: str, summary: str, schema: dict[str, Any], tag: str = TAG["name"]) -> dict[str, Any]:
    """Return the operation for one of the sandbox's own endpoints."""
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": {"200": response("Done.", schema)},
    }


def _put(name: str, summary: str, schema: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    operation = own(f"put_{name}", summary, schema)
    operation["requestBody"] = body
    operation["responses"]["400"] = response(
        "The body is malformed, and nothing has changed.", ref("Failure")
    )
    return operation


def _app_certificates() -> dict[str, Any]:
    summary = "Get the App Certificates by App ID (requires the account's credentials)"
    operation = own("app_certificates", summary, {"type": "object", "additionalProperties": TEXT})
    operation["security"] = [{"customer": []}]
    operation["responses"]["401"] = response("The credentials are missing or wrong.", ref("Failure"))
    return operation


def _with(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names)}


def _channel() -> dict[str, Any]:
    return json_object(
        {
            "app_id": TEXT,
            "cname": TEXT,
            "urls": {"type": "array", "items": TEXT},
            "uids": {"type": "array", "items": COUNT},
            "started_at": _TIME,
            "key_age_seconds": {"type": "number"},
        }
    )
