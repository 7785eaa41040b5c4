"""Complete fault entries for the OpenAPI document and the page, with at least one entry per kind."""

from __future__ import annotations

from typing import Any

_FOREIGN_APP_ID = "f0" * 16

EXAMPLES: dict[str, dict[str, Any]] = {
    "The first two requests for one app-day fail.": {
        "kind": "status",
        "status": 503,
        "app": 0,
        "usage_date": "2026-11-01",
        "times": 2,
    },
    "A random 3 % of requests get 401.": {"kind": "status", "status": 401, "rate": 0.03},
    "A random 30 % of requests get 400. The seed selects the sample.": {
        "kind": "status",
        "status": 400,
        "rate": 0.3,
        "seed": 1,
    },
    "The whole account is forbidden.": {"kind": "status", "status": 403},
    "Every request is throttled for a day.": {"kind": "status", "status": 429, "retry_after": 86400},
    "An App ID belongs to another account.": {"kind": "foreign", "app_id": _FOREIGN_APP_ID},
    "One of the account's App IDs gets 403.": {"kind": "foreign", "app": 1, "status": 403},
    "One app has a shorter window.": {"kind": "window", "app": 2, "window": "29 days"},
    "Every app has a longer window.": {"kind": "window", "window": "45 days"},
    "The first response for each app-day is all zeros.": {"kind": "zeros", "times": 1, "per": "app_day"},
    "Two apps have identical bodies.": {"kind": "same_as", "app": 1, "same_as": 0},
    "The vendor's clock is an hour ahead.": {"kind": "clock", "seconds": 3600},
    "Responses have no Date header.": {"kind": "clock", "seconds": None},
    "Two points are missing.": {"kind": "withhold", "slots": ["00:00", "13:35"]},
    "The points of one day have doubled.": {"kind": "restate", "factor": 2, "usage_date": "2026-11-01"},
    "The unit is Mbps.": {"kind": "scale_unit", "unit": "Mbps"},
    "The body is not valid JSON.": {"kind": "body", "body": '{"date": NaN'},
    "The request is redirected.": {"kind": "redirect", "location": "/elsewhere"},
    "The response is late.": {"kind": "delay", "seconds": 1},
    "The body is cut off.": {"kind": "truncate", "bytes": 100},
    "An application to enable push-streaming takes effect, but its response is lost.": {
        "kind": "disconnect",
        "call": "open_state",
        "method": "POST",
        "times": 1,
    },
}
