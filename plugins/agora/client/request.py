"""Requests to the vendor, and their time limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send.

    Attributes:
        method: HTTP method.
        path: Quoted path below the base URL, without a leading slash, including the query.
        content: Function that returns the JSON body. The client calls it for each try, because a Channel Key
            expires.
        secret: Names of body fields that messages must not contain.
    """

    method: str
    path: str
    content: Callable[[], Mapping[str, Any]] | None = None
    secret: tuple[str, ...] = ()

    @property
    def is_safe_to_repeat(self) -> bool:
        """Whether the method is idempotent (RFC 9110, 9.2.2)."""
        return self.method != "POST"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits for one request.

    Attributes:
        connect_seconds: Time until the connection is established, including TLS.
        silence_seconds: Time without data from the server.
        total_seconds: Time from the request to the end of the response.
    """

    connect_seconds: float = 15
    silence_seconds: float = 30
    total_seconds: float = 60

    def for_aiohttp(self) -> aiohttp.ClientTimeout:
        """Return the limits as an `aiohttp.ClientTimeout`."""
        return aiohttp.ClientTimeout(
            total=self.total_seconds, sock_connect=self.connect_seconds, sock_read=self.silence_seconds
        )


TIMEOUTS = Timeouts()
