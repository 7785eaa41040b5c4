"""Short ways to ask once."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from agora.settings import DashboardSettings, parse_dashboard
from agora.vendor.answer import Answer
from agora.vendor.dashboard import DashboardClient
from agora.vendor.timeouts import TIMEOUTS, Timeouts
from sandbox.testing import RunningSandbox

DAY = date(2026, 11, 1)
CERTIFICATE = "certificate-that-nobody-may-see"


def account(base_url: str, **fields: Any) -> DashboardSettings:
    return parse_dashboard(
        "some_account",
        {
            "base_url": base_url,
            "customer_id": "customer",
            "customer_certificate": CERTIFICATE,
            "requests_per_second": 100_000,
            **fields,
        },
    )


def account_of(sandbox: RunningSandbox, **fields: Any) -> DashboardSettings:
    return account(
        sandbox.base_url,
        **{
            "customer_id": sandbox.customer_id,
            "customer_certificate": sandbox.customer_certificate,
            **fields,
        },
    )


async def asked(
    settings: DashboardSettings,
    app_id: str = "a1",
    day: date = DAY,
    *,
    retry: bool = True,
    timeouts: Timeouts = TIMEOUTS,
) -> Answer:
    async with DashboardClient(settings, timeouts=timeouts) as client:
        return await client.bandwidth(app_id, day, retry=retry)


def ask(settings: DashboardSettings, app_id: str, day: date, *, retry: bool = True) -> Answer:
    return asyncio.run(asked(settings, app_id, day, retry=retry))
