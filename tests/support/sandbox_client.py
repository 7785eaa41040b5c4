"""For tests: a sandbox's addresses and every call that can be made to it, the vendor's and its own."""

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
    """An HTTP answer as it was received.

    Attributes:
        status: The HTTP status.
        headers: The headers, names in lower case.
        body: The body's bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Decodes the body."""
        return orjson.loads(self.body)


class SandboxClient:
    """Talks to a sandbox that listens on a port of this machine.

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
        """Where the page, the description and the control calls are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What to configure as the base URL of the vendor's Dashboard API."""
        return self.root_url + BASE_PATH

    @property
    def push_stream_url(self) -> str:
        """What to configure as the base URL of the vendor's push-stream API."""
        return self.root_url + PUSH_STREAM_PATH

    @property
    def authorization(self) -> str:
        """The right Authorization header."""
        pair = f"{self.customer_id}:{self.customer_certificate}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def app_certificate(self, app_id: str) -> str:
        """Computes an app's certificate, which signs its Channel Keys."""
        return app_certificate(self.customer_certificate, app_id)

    # The vendor's calls

    def fetch(self, app_id: str, usage_date: date | str | None = None) -> Reply:
        """Makes the bandwidth call with the right credentials.

        Args:
            app_id: Any App ID.
            usage_date: A date, or a text that is sent as it is; without it the parameter is left out.
        """
        text = usage_date.strftime("%Y%m%d") if isinstance(usage_date, date) else usage_date
        query = "" if text is None else f"?date={text}"
        return self.request(
            "GET", f"{BASE_PATH}/apps/{app_id}/usages/bandwidth{query}", {"Authorization": self.authorization}
        )

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Makes any call; a redirect is not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    # Control calls

    def control(self, method: str, call: str, body: Any = None) -> Any:
        """Makes a control call.

        Args:
            method: The HTTP method.
            call: The path after /_sandbox/.
            body: What is sent as JSON, unless None.

        Returns:
            The decoded answer.

        Raises:
            ValueError: The sandbox refused; the sentence is its own.
        """
        sent = None if body is None else orjson.dumps(body)
        reply = self.request(method, f"/_sandbox/{call}", {"Content-Type": "application/json"}, sent)
        if reply.status != 200:
            raise ValueError(reply.json()["message"])
        return reply.json()

    def health(self) -> dict[str, Any]:
        """Tells the sandbox's settings and clock."""
        return dict(self.control("GET", "health"))

    def today(self) -> date:
        """Tells the sandbox's today."""
        return date.fromisoformat(self.health()["today"])

    def stats(self) -> dict[str, Any]:
        """Tells the counts since the start or the last reset."""
        return dict(self.control("GET", "stats"))

    def reset_stats(self) -> None:
        """Begins to count anew."""
        self.control("POST", "stats/reset")

    def open_states(self) -> dict[str, bool]:
        """Tells of every app whether it may push streams."""
        return dict(self.control("GET", "open-states"))

    def put_open_states(self, states: Mapping[str, bool]) -> None:
        """Replaces the open states; an app that is not named is closed."""
        self.control("PUT", "open-states", dict(states))

    def put_open_grants(self, granted: bool) -> None:
        """Says whether applications for opening are granted."""
        self.control("PUT", "open-grants", {"granted": granted})

    def channels(self) -> dict[str, Any]:
        """Tells which channels are being pushed, and the counts since the start or the last reset."""
        return dict(self.control("GET", "channels"))

    def reset_channels(self) -> None:
        """Forgets the channels and their counts."""
        self.control("POST", "channels/reset")

    def put_faults(self, faults: Sequence[dict[str, Any]]) -> None:
        """Replaces the script of faults; an empty list ends them."""
        self.control("PUT", "faults", list(faults))

    def put_rate_limit(self, per_second: float) -> None:
        """Replaces the rate limit; 0 is no limit."""
        self.control("PUT", "rate-limit", {"per_second": per_second})

    def put_credentials(self, customer_id: str, customer_certificate: str) -> None:
        """Replaces the credentials, in the sandbox only; what this object holds stays as it was."""
        given = {"customer_id": customer_id, "customer_certificate": customer_certificate}
        self.control("PUT", "credentials", given)

    def put_clock(self, now: datetime | str) -> None:
        """Sets the sandbox's clock."""
        self.control("PUT", "clock", {"now": now if isinstance(now, str) else now.isoformat()})
