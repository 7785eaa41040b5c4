"""The sandbox as other containers reach it, with access to its true data."""

from __future__ import annotations

import http.client
import ssl
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.traffic.apps import App, seeded_apps
from sandbox.traffic.served_day import ServedDays
from sandbox.traffic.slots import SLOT_LABELS
from tests.support.sandbox_client import Reply, SandboxClient

SEED, APPS = 7, 20  # the sandbox's defaults


class SandboxOverHttps(SandboxClient):
    """A sandbox on this machine, over HTTPS under the name localhost.

    Args:
        port: The sandbox's port.
        ca_file: The CA file that verifies the sandbox's certificate.
        customer_id: The Customer ID.
        customer_certificate: The Customer Certificate.
    """

    def __init__(self, port: int, ca_file: Path, customer_id: str, customer_certificate: str) -> None:
        super().__init__(port, customer_id, customer_certificate)
        self._ca_file = ca_file
        self._served_days = ServedDays(ZoneInfo("UTC"))
        self.apps: list[App] = seeded_apps(SEED, APPS)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Send a request without following redirects."""
        trusted = ssl.create_default_context(cafile=self._ca_file)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=trusted)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, {}, response.read())
        finally:
            connection.close()

    def points(self, app_id: str, usage_date: date) -> list[int | float | None]:
        """Return a day's true points: the kbps of each slot, None where there is no point."""
        app = next(app for app in self.apps if app.app_id == app_id)
        value = self._served_days.value(app, usage_date)
        return [value.get(label) for label in SLOT_LABELS]
