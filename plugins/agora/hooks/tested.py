"""What a connection's Test button says when the test failed."""

from __future__ import annotations

from agora.errors import AgoraError


def failed(error: AgoraError, conn_id: str) -> tuple[bool, str]:
    """Return the error's text without the connection's name: Airflow makes one up for the test."""
    text = str(error).replace(f"The connection {conn_id}", "This connection")
    text = text.replace(f"the connection {conn_id}", "this connection")
    return False, text.replace(f"connection {conn_id}", "this connection")
