"""The building blocks for operations: references, object schemas, request bodies and responses."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
# The App ID from the Channel Key that the vendor published. No sandbox has an app with this App ID.
EXAMPLE_APP_ID = "970ca35de60c44645bbae8a215061b33"
EXAMPLE_DATE = "2026-11-01"
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_object(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    """Return the schema for an object that allows no additional properties.

    Args:
        properties: Schemas by name.
        required: The required properties. Default: all properties.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def request_body(schema: dict[str, Any], example: Any, *, required: bool = True) -> dict[str, Any]:
    """Return the description of a request body."""
    return {"required": required, "content": {JSON: {"schema": schema, "example": example}}}


def response(meaning: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    """Return the description of a response."""
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"description": meaning, "content": {JSON: content}}
