"""A sandbox in a thread of the test process. Unlike `running_sandbox`, it needs no time to start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.config import Config
from sandbox.credentials import Credentials
from sandbox.http.server import Sandbox
from sandbox.traffic.slots import SLOT_LABELS
from tests.support.sandbox_client import SandboxClient

CREDENTIALS = Credentials("customer", "certificate")


class InProcessSandbox(SandboxClient):
    """A client of a running sandbox, with its apps and their true points."""

    def __init__(self, sandbox: Sandbox) -> None:
        credentials = sandbox.account.credentials
        port = urlsplit(sandbox.root_url).port
        assert port is not None
        super().__init__(port, credentials.customer_id, credentials.customer_certificate)
        self._account = sandbox.account

    @property
    def app_ids(self) -> list[str]:
        return list(self._account.app_by_id)

    def points(self, app_id: str, usage_date: date) -> list[int | float | None]:
        value = self._account.served_days.value(self._account.app_by_id[app_id], usage_date)
        return [value.get(label) for label in SLOT_LABELS]


@contextmanager
def sandbox_in_process(
    *,
    apps: int = 1,
    rate_limit_per_second: float = 0,
    credentials: Credentials = CREDENTIALS,
    clock: str | None = None,
    **settings: Any,
) -> Iterator[InProcessSandbox]:
    """Run a sandbox for the length of a with block. The settings are those of `Config`."""
    config = Config(
        credentials=credentials,
        port=0,
        apps=apps,
        rate_limit_per_second=rate_limit_per_second,
        clock=None if clock is None else datetime.fromisoformat(clock),
        **settings,
    )
    sandbox = Sandbox(config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result()
        yield InProcessSandbox(sandbox)
    finally:
        asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
