"""Single requests over plain HTTP, as the vendor's documents describe them.

Secrets stay wrapped until they are sent, because a test failure shows arguments and variables.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretBytes, SecretStr

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Reply:
    """A response as received."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


class NoReply(Exception):
    """No response was received."""


def send(
    method: str,
    url: str,
    *,
    authorization: SecretStr | None = None,
    body: SecretBytes | None = None,
) -> Reply:
    """Send one request without following redirects.

    Args:
        method: HTTP method.
        url: URL, including the query.
        authorization: Value of the `Authorization` header.
        body: JSON to send.

    Raises:
        NoReply: No response was received.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.putrequest(method, f"{parts.path}?{parts.query}" if parts.query else parts.path)
        if authorization is not None:
            connection.putheader("Authorization", authorization.get_secret_value())
        if body is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(None if body is None else body.get_secret_value())
        response = connection.getresponse()
        return Reply(response.status, response.read())
    except (OSError, http.client.HTTPException) as error:
        # The original traceback would show the request.
        raise NoReply(f"{method} {parts.path} at {parts.netloc}: {type(error).__name__}") from None
    finally:
        connection.close()
