"""Sandbox client for tests: the addresses, the vendor's calls and the control calls."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from sandbox.credentials import app_certificate
from sandbox.dashboard import BASE_PATH
from sandbox.push_stream import BASE_PATH as PUSH_STREAM_PATH


@dataclass(frozen=True)
class Reply:
    """An HTTP response as received.

    Attributes:
        status: HTTP status.
        headers: Headers, with names in lower case.
        body: Body as bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded JSON body."""
        return orjson.loads(self.body)


class SandboxClient:
    """Client of a sandbox that listens on a local port.

    Args:
        port: The port.
        customer_id: The Customer ID.
        customer_certificate: The Customer Certificate.
    """

    def __init__(self, port: int, customer_id: str, customer_certificate: str) -> None:
        self.port = port
        self.customer_id = customer_id
        self.customer_certificate = customer_certificate

    # Addresses and names

    @property
    def root_url(self) -> str:
        """The URL of the sandbox page, the OpenAPI document and the control calls."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The base URL to configure for the vendor's Dashboard API."""
        return self.root_url + BASE_PATH

    @property
    def push_stream_url(self) -> str:
        """The base URL to configure for the vendor's push-stream API."""
        return self.root_url + PUSH_STREAM_PATH

    @property
    def authorization(self) -> str:
        """The valid Authorization header."""
        pair = f"{self.customer_id}:{self.customer_certificate}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def app_certificate(self, app_id: str) -> str:
        """Return the app certificate, which signs the app's Channel Keys."""
        return app_certificate(self.customer_certificate, app_id)

    # The vendor's calls

    def fetch(self, app_id: str, usage_date: date | str | None = None) -> Reply:
        """Request bandwidth with valid credentials.

        Args:
            app_id: Any App ID.
            usage_date: A date, or a string that is sent unchanged. If None, the parameter is omitted.
        """
        text = usage_date.strftime("%Y%m%d") if isinstance(usage_date, date) else usage_date
        query = "" if text is None else f"?date={text}"
        return self.request(
            "GET", f"{BASE_PATH}/apps/{app_id}/usages/bandwidth{query}", {"Authorization": self.authorization}
        )

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Send any request, without following redirects."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, names, response.read())
        finally:
            connection.close()

    # Control calls

    def control(self, method: str, call: str, body: Any = None) -> Any:
        """Make a control call.

        Args:
            method: The HTTP method.
            call: The path after /_sandbox/.
            body: Content to send as JSON. If None, no body is sent.

        Returns:
            The decoded response.

        Raises:
            ValueError: The sandbox refused the call. The text is the sandbox's message.
        """
        sent = None if body is None else orjson.dumps(body)
        reply = self.request(method, f"/_sandbox/{call}", {"Content-Type": "application/json"}, sent)
        if reply.status != 200:
            raise ValueError(reply.json()["message"])
        return reply.json()

    def health(self) -> dict[str, Any]:
        """Return the sandbox's settings and clock."""
        return dict(self.control("GET", "health"))

    def today(self) -> date:
        """Return today's date in the sandbox."""
        return date.fromisoformat(self.health()["today"])

    def stats(self) -> dict[str, Any]:
        """Return the request counts since the start or the last reset."""
        return dict(self.control("GET", "stats"))

    def reset_stats(self) -> None:
        """Reset the request counts."""
        self.control("POST", "stats/reset")

    def open_states(self) -> dict[str, bool]:
        """Return the open state of every app."""
        return dict(self.control("GET", "open-states"))

    def put_open_states(self, states: Mapping[str, bool]) -> None:
        """Replace the open states. Apps that are not listed are closed."""
        self.control("PUT", "open-states", dict(states))

    def put_open_grants(self, granted: bool) -> None:
        """Set whether applications are granted."""
        self.control("PUT", "open-grants", {"granted": granted})

    def channels(self) -> dict[str, Any]:
        """Return the active channels, and the counts since the start or the last reset."""
        return dict(self.control("GET", "channels"))

    def reset_channels(self) -> None:
        """Remove the channels and reset their counts."""
        self.control("POST", "channels/reset")

    def put_faults(self, faults: Sequence[dict[str, Any]]) -> None:
        """Replace the faults. An empty list removes all of them."""
        self.control("PUT", "faults", list(faults))

    def put_rate_limit(self, per_second: float) -> None:
        """Replace the rate limit; 0 means no limit."""
        self.control("PUT", "rate-limit", {"per_second": per_second})

    def put_credentials(self, customer_id: str, customer_certificate: str) -> None:
        """Replace the sandbox's credentials, without changing those of this client."""
        credentials = {"customer_id": customer_id, "customer_certificate": customer_certificate}
        self.control("PUT", "credentials", credentials)

    def put_clock(self, now: datetime | str) -> None:
        """Set the sandbox's clock."""
        self.control("PUT", "clock", {"now": now if isinstance(now, str) else now.isoformat()})
