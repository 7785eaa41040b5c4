"""Run a proxy in a separate thread. Tests can change its network fault at any time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.proxy import HOST, NetworkFault, Proxy


@contextmanager
def running_proxy(port: int, fault: NetworkFault | None = None) -> Iterator[Proxy]:
    """Run a proxy to a local port for the duration of a `with` block.

    Args:
        port: Port to forward to.
        fault: Initial network fault.

    Yields:
        The proxy, already listening on its `port`. Its `fault` can be set at any time.
    """
    proxy = Proxy((HOST, port), fault=fault)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result()
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
