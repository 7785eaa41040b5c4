"""What every operation of the description is made of: references, bodies, answers."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
# That of the vendor's published Channel Key, so nobody's here.
EXAMPLE_APP_ID = "970ca35de60c44645bbae8a215061b33"
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}


def ref(name: str) -> dict[str, str]:
    """Refers to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_object(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    """Describes an object that has these properties and no others.

    Args:
        properties: Schemas by name.
        required: Which of them it always has; without it all.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def body(schema: dict[str, Any], example: Any, *, required: bool = True) -> dict[str, Any]:
    """Describes a request's body."""
    return {"required": required, "content": {JSON: {"schema": schema, "example": example}}}


def answer(meaning: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    """Describes a response."""
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"description": meaning, "content": {JSON: content}}
