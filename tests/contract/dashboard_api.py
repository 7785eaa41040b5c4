"""The Dashboard API as the suite asks it: by the product's client, and by plain HTTP."""

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

Given = TypeVar("Given")


class DashboardApi:
    """One account of the Dashboard API.

    Args:
        target: What is asked.
    """

    def __init__(self, target: Target) -> None:
        target.require("CUSTOMER_ID", "CUSTOMER_CERTIFICATE", "APP_ID")
        self.target = target
        self.app_id = target.value("APP_ID")

    def settings(self, **changed: Any) -> DashboardSettings:
        """Return the account as a connection gives it."""
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
            # Without its traceback, which shows what was given.
            pytest.fail(str(error), pytrace=False)

    def ask(self, call: Callable[[DashboardClient], Awaitable[Given]], **changed: Any) -> Given:
        """Make one call by the product's client, with these settings changed."""

        async def asked() -> Given:
            async with DashboardClient(self.settings(**changed)) as client:
                return await call(client)

        self.target.take_turn()
        return asyncio.run(asked())

    @property
    def authorization(self) -> SecretStr:
        """The right header."""
        return basic(self.target.value("CUSTOMER_ID"), SecretStr(self.target.value("CUSTOMER_CERTIFICATE")))

    def get(self, call: str) -> Reply:
        """Make a GET about the App ID by plain HTTP."""
        return self.get_as(self.authorization, call)

    def get_as(self, authorization: SecretStr | None, call: str) -> Reply:
        """Make a GET about the App ID as somebody else, or as nobody."""
        return self._send("GET", call, authorization)

    def post(self, call: str) -> Reply:
        """Make a POST about the App ID, with JSON that says nothing."""
        return self._send("POST", call, self.authorization, SecretBytes(b"{}"))

    def _send(
        self, method: str, call: str, authorization: SecretStr | None, body: SecretBytes | None = None
    ) -> Reply:
        url = f"{self.settings().base_url}/apps/{self.app_id}/{call}"
        self.target.take_turn()
        return send(method, url, authorization=authorization, body=body)


def basic(user_name: str, password: SecretStr) -> SecretStr:
    """Spell the header of HTTP Basic authentication."""
    pair = f"{user_name}:{password.get_secret_value()}".encode()
    return SecretStr("Basic " + base64.b64encode(pair).decode())
