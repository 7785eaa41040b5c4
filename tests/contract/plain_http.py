"""One request by nothing but HTTP, as anybody could send it who has read the documents.

What is secret travels as such up to the last line: a failure shows arguments and variables.
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
    """An answer as it was received."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


class NoReply(Exception):
    """There was no answer."""


def send(
    method: str,
    url: str,
    *,
    authorization: SecretStr | None = None,
    body: SecretBytes | None = None,
) -> Reply:
    """Send one request; a redirect is not followed.

    Args:
        method: HTTP method.
        url: Where to, with its query.
        authorization: The header of that name.
        body: What is sent as JSON.

    Raises:
        NoReply: The network gave no answer.
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
        answer = connection.getresponse()
        return Reply(answer.status, answer.read())
    except (OSError, http.client.HTTPException) as error:
        # Not its own traceback, which shows what was sent.
        raise NoReply(f"{method} {parts.path} at {parts.netloc}: {type(error).__name__}") from None
    finally:
        connection.close()
