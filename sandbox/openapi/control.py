"""The description of the control calls."""

from __future__ import annotations

from typing import Any

from sandbox.control_http import CONTROL_PATH
from sandbox.openapi import faults
from sandbox.openapi.parts import COUNT, EXAMPLE_APP_ID, TEXT, answer, body, json_object, ref

TAG = {
    "name": "Sandbox control",
    "description": "Belongs to the sandbox, not to the vendor. Loopback only; no credentials, except for "
    "the App Certificates.",
}

_TRUTH = {"type": "boolean"}
_TRUTHS = {"type": "object", "additionalProperties": _TRUTH}
_COUNTS = {"type": "object", "additionalProperties": COUNT}
_TIME = {"type": "string", "format": "date-time"}
_TIME_OR_NONE = {"type": ["string", "null"], "format": "date-time"}
_FAULTS = body(
    {"type": "array", "items": ref("Fault")},
    [{"app": 0, "usage_date": "2026-11-01", "kind": "status", "status": 503, "times": 2}],
)
_RATE_LIMIT = body(
    json_object({"per_second": {"type": "number", "minimum": 0, "maximum": 1_000_000}}), {"per_second": 10}
)
_CREDENTIALS = body(
    json_object(
        {
            "customer_id": {"type": "string", "minLength": 1, "pattern": "^[^:]*$"},
            "customer_certificate": {"type": "string", "minLength": 1},
        }
    ),
    {"customer_id": "…", "customer_certificate": "…"},
)
_CLOCK = body(json_object({"now": _TIME}), {"now": "2026-11-01T12:00:00+00:00"})
_OPEN_STATES = body(_TRUTHS, {EXAMPLE_APP_ID: True})
_GRANTS = body(json_object({"granted": _TRUTH}), {"granted": False})


def paths() -> dict[str, Any]:
    """Describes the calls."""
    apps = {"type": "array", "items": ref("App")}
    calls = {
        "health": {"get": own("health", "That it runs, and by which settings", _with("status", "now"))},
        "apps": {"get": own("apps", "The account's apps", apps)},
        "stats": {"get": own("stats", "Counts of the Dashboard API's calls", ref("Stats"))},
        "stats/reset": {"post": own("reset_stats", "Begin to count anew", _with("requests"))},
        "faults": {"put": _put("faults", "Replace the fault script", _with("faults"), _FAULTS)},
        "rate-limit": {
            "put": _put(
                "rate_limit", "Replace the rate limit; 0 is no limit", _with("per_second"), _RATE_LIMIT
            )
        },
        "credentials": {
            "put": _put("credentials", "Replace the credentials", _with("changed"), _CREDENTIALS)
        },
        "clock": {"put": _put("clock", "Set the clock, which ticks on from there", _with("now"), _CLOCK)},
        "open-states": {
            "get": own("open_states", "Of every app whether it may push streams", _TRUTHS),
            "put": _put("open_states", "Replace which apps may push streams", _TRUTHS, _OPEN_STATES),
        },
        "open-grants": {
            "put": _put(
                "open_grants", "Grant applications to push streams, or none", _with("granted"), _GRANTS
            )
        },
        "channels": {"get": own("channels", "The channels being pushed, and counts", ref("Channels"))},
        "channels/reset": {"post": own("reset_channels", "Forget channels and counts", _with("channels"))},
        "app-certificates": {"get": _app_certificates()},
    }
    return {f"{CONTROL_PATH}/{name}": methods for name, methods in calls.items()}


def schemas() -> dict[str, Any]:
    """Describes what the calls take and answer."""
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
                    "description": "How many calls the rate limit would have let in while it held.",
                },
                "inside_retry_after": COUNT
                | {"description": "Calls that came before the Retry-After of an earlier 429 was over."},
            }
        ),
        "Channels": json_object(
            {
                "channels": {"type": "array", "items": _pushed_channel()},
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
    """Describes a call of the sandbox's own."""
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": {"200": answer("Done.", schema)},
    }


def _put(name: str, summary: str, schema: dict[str, Any], taken: dict[str, Any]) -> dict[str, Any]:
    operation = own(f"put_{name}", summary, schema)
    operation["requestBody"] = taken
    operation["responses"]["400"] = answer(
        "The body is not of this form; nothing was changed.", ref("Failure")
    )
    return operation


def _app_certificates() -> dict[str, Any]:
    summary = "The App Certificates by App ID, for who knows the account's credentials"
    operation = own("app_certificates", summary, {"type": "object", "additionalProperties": TEXT})
    operation["security"] = [{"customer": []}]
    operation["responses"]["401"] = answer("The credentials are missing or wrong.", ref("Failure"))
    return operation


def _with(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names)}


def _pushed_channel() -> dict[str, Any]:
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
