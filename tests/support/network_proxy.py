"""For tests: a proxy in a thread of its own, whose fault a test switches while others talk through it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.proxy import HOST, NetworkFault, Proxy


@contextmanager
def running_proxy(port: int, fault: NetworkFault | None = None) -> Iterator[Proxy]:
    """Runs a proxy to a port of this machine for the length of a with block.

    Args:
        port: Where everything is passed on to.
        fault: What goes wrong from the beginning.

    Yields:
        The proxy, which listens already at its `port`; set its `fault` at any time.
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
