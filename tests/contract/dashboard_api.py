"""Calls to the Dashboard API, with the product's client and over plain HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from pydantic import SecretBytes, SecretStr

from agora.client.dashboard import DashboardClient
from agora.errors import SettingsError
from agora.settings.connections import DashboardSettings, parse_dashboard
from tests.contract.plain_http import Reply, send
from tests.contract.target import SECONDS_BETWEEN_CALLS, Target

Result = TypeVar("Result")


class DashboardApi:
    """An account at the Dashboard API.

    Args:
        target: The API under test.
    """

    def __init__(self, target: Target) -> None:
        target.require("CUSTOMER_ID", "CUSTOMER_CERTIFICATE", "APP_ID")
        self.target = target
        self.app_id = target.value("APP_ID")

    def settings(self, **changed: Any) -> DashboardSettings:
        """Return the settings of the account, as read from a connection."""
        try:
            return parse_dashboard(
                "contract",
                {
                    "base_url": self.target.value("BASE_URL"),
                    "customer_id": self.target.value("CUSTOMER_ID"),
                    "customer_certificate": self.target.value("CUSTOMER_CERTIFICATE"),
                    "requests_per_second": 100_000 if self.target.sandbox else 1 / SECONDS_BETWEEN_CALLS,
                    **changed,
                },
            )
        except SettingsError as error:
            # A traceback would show the given values.
            pytest.fail(str(error), pytrace=False)

    def run(self, call: Callable[[DashboardClient], Awaitable[Result]], **changed: Any) -> Result:
        """Make one call with the product's client, with some settings changed."""

        async def make_call() -> Result:
            async with DashboardClient(self.settings(**changed)) as client:
                return await call(client)

        self.target.wait_for_permit()
        return asyncio.run(make_call())

    @property
    def authorization(self) -> SecretStr:
        """The valid `Authorization` header."""
        return basic(self.target.value("CUSTOMER_ID"), SecretStr(self.target.value("CUSTOMER_CERTIFICATE")))

    def get(self, call: str) -> Reply:
        """Send a GET for the App ID over plain HTTP."""
        return self.get_as(self.authorization, call)

    def get_as(self, authorization: SecretStr | None, call: str) -> Reply:
        """Send a GET for the App ID with other credentials, or without any."""
        return self._send("GET", call, authorization)

    def post(self, call: str) -> Reply:
        """Send a POST for the App ID, with an empty JSON object."""
        return self._send("POST", call, self.authorization, SecretBytes(b"{}"))

    def _send(
        self, method: str, call: str, authorization: SecretStr | None, body: SecretBytes | None = None
    ) -> Reply:
        url = f"{self.settings().base_url}/apps/{self.app_id}/{call}"
        self.target.wait_for_permit()
        return send(method, url, authorization=authorization, body=body)


def basic(user_name: str, password: SecretStr) -> SecretStr:
    """Return the header for HTTP Basic authentication."""
    pair = f"{user_name}:{password.get_secret_value()}".encode()
    return SecretStr("Basic " + base64.b64encode(pair).decode())
