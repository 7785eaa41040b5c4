"""Provider entry point: declares the connection types and the configuration section `[agora]`."""

from __future__ import annotations

from typing import Any

from agora.warehouse.migrations.schema_version import this_release

CA_FILE: dict[str, Any] = {
    "label": "CA file",
    "description": "PEM file with the trusted certificate authorities, present on every worker."
    " If empty, the machine's authorities are used.",
    "schema": {"type": ["string", "null"], "default": None},
}
PROXY: dict[str, Any] = {
    "label": "Proxy",
    "description": "Forward proxy, http://<user>:<password>@host:port. If empty, the environment's"
    " proxy is used (HTTPS_PROXY, NO_PROXY).",
    "schema": {"type": ["string", "null"], "default": None, "format": "password"},
}
DASHBOARD: dict[str, Any] = {
    "connection-type": "agora_dashboard",
    "hook-class-name": "agora.hooks.dashboard.AgoraDashboardHook",
    "hook-name": "Agora Dashboard",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port"],
        "relabeling": {
            "host": "Base URL",
            "login": "Customer ID",
            "password": "Customer Certificate",
        },
        "placeholders": {"host": "https://api.agora.io/dev/v2"},
    },
    "conn-fields": {
        "timezone": {
            "label": "Time zone",
            "description": "Time zone of the vendor's usage dates, such as UTC or Asia/Shanghai. Zones with"
            " summer time are rejected.",
            "schema": {"type": ["string", "null"], "default": "UTC"},
        },
        "window": {
            "label": "Window",
            "description": 'How long the vendor serves a usage date: "1 month" or a number of days such as'
            ' "30 days".',
            "schema": {"type": ["string", "null"], "default": "1 month"},
        },
        "requests_per_second": {
            "label": "Requests per second",
            "description": "Maximum request rate. The vendor documents 10 requests per second per account"
            " and API. A 429 lowers the rate.",
            "schema": {"type": ["number", "null"], "default": 10},
        },
        "max_concurrency": {
            "label": "Concurrent requests",
            "schema": {"type": ["integer", "null"], "default": 16},
        },
        "settle_days": {
            "label": "Days until a day is settled",
            "description": "A day that was collected before it settled is requested again afterwards, at"
            " the cost of one request per app-day. 0 disables the re-check.",
            "schema": {"type": ["integer", "null"], "default": 2},
        },
        "ca_file": CA_FILE,
        "proxy": PROXY,
    },
}
PUSH_STREAM: dict[str, Any] = {
    "connection-type": "agora_push_stream",
    "hook-class-name": "agora.hooks.push_stream.AgoraPushStreamHook",
    "hook-name": "Agora Push-Stream",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port", "extra"],
        "relabeling": {"host": "Base URL", "login": "App ID", "password": "App Certificate"},
        "placeholders": {"host": "http://broadcastgw.agora.io/api/v1"},
    },
    "conn-fields": {"ca_file": CA_FILE, "proxy": PROXY},
}
DOCS_URL: dict[str, Any] = {
    "description": "URL of the published docs folder. If set, run notes and alerts link to the runbook.",
    "version_added": "1.1.0",
    "type": "string",
    "example": "https://git.example.com/agora-bandwidth/blob/main/docs",
    "default": "",
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider metadata for Airflow (entry point `apache_airflow_provider`)."""
    return {
        "package-name": "agora-bandwidth",
        "name": "Agora",
        "description": "Agora's Dashboard and push-stream RESTful APIs.",
        "versions": [this_release()],
        "connection-types": [
            DASHBOARD,
            PUSH_STREAM,
        ],
        "config": {"agora": {"description": "Agora bandwidth pipeline.", "options": {"docs_url": DOCS_URL}}},
    }
