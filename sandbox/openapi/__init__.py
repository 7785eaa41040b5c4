"""The hand-written OpenAPI document of all endpoints."""
