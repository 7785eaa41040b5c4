"""The whole description: what is said of the server, and where the parts come together."""

from __future__ import annotations

from typing import Any

from sandbox.openapi import control, dashboard, push_stream

DESCRIPTION_TAG = {
    "name": "Description",
    "description": "Belongs to the sandbox, not to the vendor.",
}

_ABOUT = (
    "A local stand-in for two APIs of Agora's, the Dashboard RESTful API and bypass push-streaming, for "
    "tests and demonstrations. It is not the vendor: its traffic is invented or replayed from a file, it "
    "pushes no stream anywhere, and its credentials are its own. Only the calls under /dev/v2 and /api/v1 "
    "imitate the vendor; everything else belongs to the sandbox."
)


def describe() -> dict[str, Any]:
    """Describes the server as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bandwidth and push-stream sandbox",
            "version": "3",
            "summary": "Not the vendor.",
            "description": _ABOUT,
        },
        "servers": [{"url": "/", "description": "This sandbox, on 127.0.0.1 only"}],
        "tags": [dashboard.TAG, push_stream.TAG, control.TAG, DESCRIPTION_TAG],
        "paths": {
            **dashboard.paths(),
            **push_stream.paths(),
            **control.paths(),
            "/openapi.json": {
                "get": control.own(
                    "description", "This description", {"type": "object"}, DESCRIPTION_TAG["name"]
                )
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
            "schemas": {**dashboard.schemas(), **push_stream.schemas(), **control.schemas()},
        },
    }


def _page() -> dict[str, Any]:
    return {
        "operationId": "page",
        "tags": [DESCRIPTION_TAG["name"]],
        "summary": "This description for people",
        "security": [],
        "responses": {
            "200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        },
    }
