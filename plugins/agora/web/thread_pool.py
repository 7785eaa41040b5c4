"""A thread pool for the page, so that a slow warehouse does not block the api-server's other routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from anyio import CapacityLimiter, Semaphore, move_on_after
from anyio.to_thread import run_sync
from fastapi import HTTPException
from fastapi.routing import APIRoute

MAX_CONCURRENT_REQUESTS = 8
MAX_WAIT_SECONDS = 5
RETRY_AFTER = {"Retry-After": "10"}  # seconds

_permits = Semaphore(MAX_CONCURRENT_REQUESTS)
_threads = CapacityLimiter(MAX_CONCURRENT_REQUESTS)


class PooledRoute(APIRoute):
    """A route that runs in the page's thread pool. Pass it to a router as `route_class`.

    By default, FastAPI runs synchronous functions in a thread pool that all of Airflow's routes share.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _in_pool(endpoint), **options)
        self.endpoint = endpoint  # include_router creates another route from it


def _in_pool(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    async def run(*args: Any, **kwargs: Any) -> Any:
        with move_on_after(MAX_WAIT_SECONDS) as wait:
            await _permits.acquire()
        if wait.cancelled_caught:
            raise HTTPException(
                503,
                f"The page is busy with {MAX_CONCURRENT_REQUESTS} other requests to the warehouse. This"
                f" request waited {MAX_WAIT_SECONDS} s. Try again in a moment. If the page stays busy,"
                " look for slow queries in pg_stat_activity.",
                RETRY_AFTER,
            )
        try:
            # The limiter is necessary in addition to the semaphore: the default limiter is Airflow's.
            return await run_sync(partial(endpoint, *args, **kwargs), limiter=_threads)
        finally:
            _permits.release()

    return run
