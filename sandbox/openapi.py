"""The hand-written OpenAPI description: the vendor's call, and the sandbox's own."""

from __future__ import annotations

from typing import Any

from sandbox.fault_kinds import KINDS, field_names
from sandbox.slots import SLOT_LABELS

VENDOR_TAG = "Vendor's call"
CONTROL_TAG = "Sandbox control"
DESCRIPTION_TAG = "Description"

_JSON = "application/json"
_APP_ID = "970ca35de60c44645bbae8a215061b33"
_ABOUT = (
    "A local stand-in for the bandwidth call of Agora's Dashboard RESTful API, for tests and demonstrations. "
    "It is not the vendor: its traffic is invented or replayed from a file, and its credentials are its own. "
    "Only the calls under /dev/v2 imitate the vendor; everything else belongs to the sandbox."
)
_BANDWIDTH = (
    "One app's five-minute points of one day: 288 in all, fewer for today and where a point was not "
    "delivered. Checked in this order: credentials (401), rate limit (429), path and App ID (404), form of "
    "the date (400), window (400). Any other path or method under the base path answers 404."
)
_TRUTHS = {
    400: ("The date is malformed, in the future, or older than the window.", "The date is written YYYYMMDD."),
    401: (
        "Customer ID or Customer Certificate is missing or wrong.",
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
        "The server failed; the sandbox answers this where a fault says so.",
        "The sandbox was told to answer 500.",
    ),
}


def describe() -> dict[str, Any]:
    """Describes the server as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bandwidth sandbox",
            "version": "2",
            "summary": "Not the vendor.",
            "description": _ABOUT,
        },
        "servers": [{"url": "/", "description": "This sandbox, on 127.0.0.1 only"}],
        "tags": [
            {"name": VENDOR_TAG, "description": "What stands in for the Dashboard RESTful API."},
            {
                "name": CONTROL_TAG,
                "description": "Belongs to the sandbox, not to the vendor. No credentials; loopback only.",
            },
            {"name": DESCRIPTION_TAG, "description": "Belongs to the sandbox, not to the vendor."},
        ],
        "paths": {
            "/dev/v2/apps/{app_id}/usages/bandwidth": {"get": _bandwidth()},
            **_control_paths(),
            "/openapi.json": {
                "get": _own("description", "This description", DESCRIPTION_TAG, {"type": "object"})
            },
            "/": {"get": _page()},
        },
        "components": {
            "securitySchemes": {
                "customer": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User name: Customer ID. Password: Customer Certificate.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _bandwidth() -> dict[str, Any]:
    return {
        "operationId": "bandwidth",
        "tags": [VENDOR_TAG],
        "summary": "Bandwidth of one app on one day",
        "description": _BANDWIDTH,
        "security": [{"customer": []}],
        "parameters": [
            {
                "name": "app_id",
                "in": "path",
                "required": True,
                "description": "App ID of the project: 32 hexadecimal digits.",
                "schema": {"type": "string"},
                "example": _APP_ID,
            },
            {
                "name": "date",
                "in": "query",
                "required": False,
                "description": "The usage date, YYYYMMDD; without it, yesterday.",
                "schema": {"type": "string", "pattern": "^[0-9]{8}$"},
                "example": "20180807",
            },
        ],
        "responses": {
            "200": {
                "description": "The day's points; the date is spelt YYYY-MM-DD here.",
                "content": {
                    _JSON: {
                        "schema": _ref("Bandwidth"),
                        "example": {
                            "date": "2018-08-07",
                            "unit": "kbps",
                            "value": {"00:00": 100, "00:05": 200, "23:55": 100},
                        },
                    }
                },
            },
            **{str(status): _failure(status) for status in _TRUTHS},
        },
    }


def _failure(status: int) -> dict[str, Any]:
    meaning, message = _TRUTHS[status]
    return {
        "description": meaning,
        "content": {_JSON: {"schema": _ref("Failure"), "example": {"message": message}}},
    }


def _control_paths() -> dict[str, Any]:
    def call(
        name: str, summary: str, schema: dict[str, Any], body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return _own(name, summary, CONTROL_TAG, schema, body)

    def echo(*names: str) -> dict[str, Any]:
        return {"type": "object", "required": list(names)}

    return {
        "/_sandbox/health": {
            "get": call("health", "That it runs, and by which settings", echo("status", "now"))
        },
        "/_sandbox/apps": {
            "get": call("apps", "The account's apps", {"type": "array", "items": _ref("App")}),
        },
        "/_sandbox/stats": {"get": call("stats", "Counts of the vendor's calls", _ref("Stats"))},
        "/_sandbox/stats/reset": {"post": call("reset_stats", "Begin to count anew", echo("requests"))},
        "/_sandbox/faults": {
            "put": call(
                "put_faults",
                "Replace the script of faults",
                echo("faults"),
                {"schema": {"type": "array", "items": _ref("Fault")}, "example": [_EXAMPLE_FAULT]},
            )
        },
        "/_sandbox/rate-limit": {
            "put": call(
                "put_rate_limit",
                "Replace the rate limit; 0 is no limit",
                echo("per_second"),
                _body({"per_second": {"type": "number", "minimum": 0}}, {"per_second": 10}),
            )
        },
        "/_sandbox/credentials": {
            "put": call(
                "put_credentials",
                "Replace the credentials",
                echo("changed"),
                _body(
                    {"customer_id": {"type": "string"}, "customer_certificate": {"type": "string"}},
                    {"customer_id": "…", "customer_certificate": "…"},
                ),
            )
        },
        "/_sandbox/clock": {
            "put": call(
                "put_clock",
                "Set the clock, which ticks on from there",
                echo("now"),
                _body({"now": {"type": "string"}}, {"now": "2026-11-01T12:00:00+00:00"}),
            )
        },
    }


_EXAMPLE_FAULT = {"app": 0, "usage_date": "2026-11-01", "kind": "status", "status": 503, "times": 2}


def _own(
    name: str, summary: str, tag: str, schema: dict[str, Any], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "Done.", "content": {_JSON: {"schema": schema}}}},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {_JSON: body}}
        operation["responses"]["400"] = {
            "description": "The body is not of this form; nothing was changed.",
            "content": {_JSON: {"schema": _ref("Failure")}},
        }
    return operation


def _page() -> dict[str, Any]:
    return {
        "operationId": "page",
        "tags": [DESCRIPTION_TAG],
        "summary": "This description for people",
        "security": [],
        "responses": {
            "200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        },
    }


def _body(properties: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"schema": schema, "example": example}


def _schemas() -> dict[str, Any]:
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    counts = {"type": "object", "additionalProperties": count}
    return {
        "Bandwidth": {
            "type": "object",
            "required": ["date", "unit", "value"],
            "additionalProperties": False,
            "properties": {
                "date": {"type": "string", "format": "date"},
                "unit": {"const": "kbps"},
                "value": {
                    "type": "object",
                    "description": "kbps by the start of the five-minute slot.",
                    "propertyNames": {"enum": list(SLOT_LABELS)},
                    "additionalProperties": {"type": "number", "minimum": 0},
                },
            },
        },
        "Failure": {"type": "object", "required": ["message"], "properties": {"message": text}},
        "App": {
            "type": "object",
            "required": ["index", "app_id", "name", "profile", "habit"],
            "properties": {"index": count, "app_id": text, "name": text, "profile": text, "habit": text},
        },
        "Stats": {
            "type": "object",
            "required": ["requests", "by_status", "by_app"],
            "properties": {
                "requests": count,
                "by_status": counts,
                "by_app": {"type": "object", "additionalProperties": counts},
                "usage_dates": {"type": "object", "additionalProperties": counts},
                "first_request_at": {"type": ["string", "null"], "format": "date-time"},
                "last_request_at": {"type": ["string", "null"], "format": "date-time"},
                "last_answer_at": {"type": ["string", "null"], "format": "date-time"},
                "seconds_from_first_request_to_last_answer": {"type": ["number", "null"]},
                "most_requests_within_one_second": count,
                "allowed": {
                    "type": "number",
                    "description": "How many calls the rate limit would have let in while it held.",
                },
                "inside_retry_after": {
                    "type": "integer",
                    "description": "Calls that came before the Retry-After of an earlier 429 was over.",
                },
            },
        },
        "Fault": _fault_schema(),
    }


def _fault_schema() -> dict[str, Any]:
    kinds = [
        f"{name} ({', '.join(field_names(kind)) or 'no fields'}): {(kind.__doc__ or '').strip()}"
        for name, kind in KINDS.items()
    ]
    return {
        "type": "object",
        "required": ["kind"],
        "description": "Kinds and their fields. " + " ".join(kinds),
        "properties": {
            "kind": {"enum": list(KINDS)},
            "app_id": {"type": "string", "description": "Without it and without app: every app."},
            "app": {"type": "integer", "description": "The app by its index."},
            "usage_date": {"type": "string", "format": "date", "description": "Without it: every day."},
            "times": {"type": "integer", "minimum": 0, "description": "Without it: for ever."},
            "per": {"enum": ["script", "app_day"], "description": "What times counts by."},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
