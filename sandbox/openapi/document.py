"""The complete OpenAPI document, assembled from the descriptions of the APIs."""

from __future__ import annotations

from typing import Any

from sandbox.openapi import control, dashboard, push_stream

DESCRIPTION_TAG = {
    "name": "Description",
    "description": "These endpoints belong to the sandbox, not to the vendor.",
}

_ABOUT = (
    "This local server imitates two of Agora's APIs for tests and demonstrations: the Dashboard RESTful API "
    "and the push-stream API. Its traffic is generated or comes from a file. It pushes no streams and has "
    "its own credentials. Only the endpoints under /dev/v2 and /api/v1 imitate the vendor. All other "
    "endpoints belong to the sandbox."
)


def describe() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    openapi = control.own("description", "Get this document", {"type": "object"}, DESCRIPTION_TAG["name"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bandwidth and push-stream sandbox",
            "version": "3",
            "summary": "Not the vendor.",
            "description": _ABOUT,
        },
        "servers": [{"url": "/", "description": "This sandbox"}],
        "tags": [dashboard.TAG, push_stream.TAG, control.TAG, DESCRIPTION_TAG],
        "paths": {
            **dashboard.paths(),
            **push_stream.paths(),
            **control.paths(),
            "/openapi.json": {"get": openapi},
            "/": {"get": _page("page", "Get the page that shows the sandbox's state")},
            "/reference": {
                "get": _page("reference", "Get the page that describes the endpoints and sends requests")
            },
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


def _page(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [DESCRIPTION_TAG["name"]],
        "summary": summary,
        "security": [],
        "responses": {
            "200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        },
    }
