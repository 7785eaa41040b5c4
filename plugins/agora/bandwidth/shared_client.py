"""Vendor API client for one account. It observes the rate limit shared by all processes of the account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Engine

from agora.client.dashboard import DashboardClient
from agora.rate_limit.shared import SharedLimiter
from agora.rate_limit.store import LimitStore
from agora.settings.connections import DashboardSettings


@asynccontextmanager
async def shared_client(settings: DashboardSettings, engine: Engine) -> AsyncIterator[DashboardClient]:
    """Open a client for an account that is stored in core.vendor_account. `engine` connects as the loader."""
    async with LimitStore(engine, settings.conn_id) as store:
        limiter = SharedLimiter(settings.requests_per_second, store.change)
        async with DashboardClient(settings, limiter=limiter) as client:
            yield client
