"""The sandbox as other containers reach it, with its truth at hand."""

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

SEED, APPS = 7, 20  # those it has when not told otherwise


class SandboxOverHttps(SandboxClient):
    """A sandbox on this machine, in HTTPS under the name localhost.

    Args:
        port: The port.
        ca_file: What it is known by.
        customer_id: The Customer ID.
        customer_certificate: The Customer Certificate.
    """

    def __init__(self, port: int, ca_file: Path, customer_id: str, customer_certificate: str) -> None:
        super().__init__(port, customer_id, customer_certificate)
        self._ca_file = ca_file
        self._answers = ServedDays(ZoneInfo("UTC"))
        self.apps: list[App] = seeded_apps(SEED, APPS)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Makes any call; a redirect is not followed."""
        trusted = ssl.create_default_context(cafile=self._ca_file)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=trusted)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {}, answer.read())
        finally:
            connection.close()

    def points(self, app_id: str, usage_date: date) -> list[int | float | None]:
        """Computes what it truthfully has of a day: kbps of each slot, None where there is no point."""
        app = next(app for app in self.apps if app.app_id == app_id)
        value = self._answers.value(app, usage_date)
        return [value.get(label) for label in SLOT_LABELS]
