"""How long one request may take."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one request may take.

    Attributes:
        connect_seconds: Until there is a connection, TLS included.
        silence_seconds: Between two things the server sends.
        total_seconds: From asking to the end of the answer.
    """

    connect_seconds: float = 15
    silence_seconds: float = 30
    total_seconds: float = 60

    def for_aiohttp(self) -> aiohttp.ClientTimeout:
        """Return the same in aiohttp's terms."""
        return aiohttp.ClientTimeout(
            total=self.total_seconds, sock_connect=self.connect_seconds, sock_read=self.silence_seconds
        )


TIMEOUTS = Timeouts()
