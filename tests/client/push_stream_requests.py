"""Helpers that parse settings and make a single request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from agora.client.dashboard import DashboardClient
from agora.client.push_stream import Channel, PushStreamClient
from agora.client.request import TIMEOUTS, Timeouts
from agora.client.response import Response
from agora.settings.connections import (
    DashboardSettings,
    PushStreamSettings,
    parse_dashboard,
    parse_push_stream,
)
from tests.support.sandbox_server import RunningSandbox

DAY = date(2026, 11, 1)
CERTIFICATE = "certificate-that-nobody-may-see"
APP_ID = "970ca35de60c44645bbae8a215061b33"
APP_CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b"
CNAME = "lobby"
URLS = ["rtmp://a.example/1", "rtmps://b.example/2?key=x"]
UIDS = [6496936, 4294967295, 1]

ChannelCall = Callable[[PushStreamClient], Awaitable[Channel]]
CHANNEL_CALLS: dict[str, ChannelCall] = {
    "start": lambda client: client.start(CNAME, URLS),
    "update": lambda client: client.update(CNAME, uids=UIDS, urls=URLS),
    "stop": lambda client: client.stop(CNAME),
}
OpenStateCall = Callable[[DashboardClient, str], Awaitable[bool]]
OPEN_STATE_CALLS: dict[str, OpenStateCall] = {
    "query": DashboardClient.push_stream_is_open,
    "apply": DashboardClient.apply_for_push_stream,
}


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


async def fetch_day(
    settings: DashboardSettings,
    app_id: str = "a1",
    day: date = DAY,
    *,
    retry: bool = True,
    timeouts: Timeouts = TIMEOUTS,
) -> Response:
    async with DashboardClient(settings, timeouts=timeouts) as client:
        return await client.bandwidth(app_id, day, retry=retry)


def fetch_day_sync(settings: DashboardSettings, app_id: str, day: date, *, retry: bool = True) -> Response:
    return asyncio.run(fetch_day(settings, app_id, day, retry=retry))


def channel_account(base_url: str, **fields: Any) -> PushStreamSettings:
    return parse_push_stream(
        "some_channels",
        {"base_url": base_url, "app_id": APP_ID, "app_certificate": APP_CERTIFICATE, **fields},
    )


def channel_account_of(sandbox: RunningSandbox, app_id: str, /, **fields: Any) -> PushStreamSettings:
    given = {"app_id": app_id, "app_certificate": sandbox.app_certificate(app_id), **fields}
    return channel_account(sandbox.push_stream_url, **given)


async def call_channel(
    settings: PushStreamSettings, call: ChannelCall, *, timeouts: Timeouts = TIMEOUTS
) -> Channel:
    async with PushStreamClient(settings, timeouts=timeouts) as client:
        return await call(client)


async def call_open_state(
    settings: DashboardSettings, call: OpenStateCall, app_id: str = "a1", *, timeouts: Timeouts = TIMEOUTS
) -> bool:
    async with DashboardClient(settings, timeouts=timeouts) as client:
        return await call(client, app_id)
