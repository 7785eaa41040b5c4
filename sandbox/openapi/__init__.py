"""The hand-written OpenAPI description of everything that the sandbox answers."""
