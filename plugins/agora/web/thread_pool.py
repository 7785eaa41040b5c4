"""A few threads of the page's own, so that a slow warehouse takes none of the api-server's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from anyio import CapacityLimiter, Semaphore, move_on_after
from anyio.to_thread import run_sync
from fastapi import HTTPException
from fastapi.routing import APIRoute

MOST_AT_A_TIME = 8
MOST_SECONDS_IN_LINE = 5
RETRY_AFTER = {"Retry-After": "10"}  # seconds

_permits = Semaphore(MOST_AT_A_TIME)
_threads = CapacityLimiter(MOST_AT_A_TIME)


class PooledRoute(APIRoute):
    """A route that reads the warehouse; give it to a router as `route_class`.

    FastAPI runs functions that are not coroutines in the threads that all of Airflow's routes share.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _in_own_thread(endpoint), **options)
        self.endpoint = endpoint  # of which include_router makes another route


def _in_own_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    async def run(*args: Any, **kwargs: Any) -> Any:
        with move_on_after(MOST_SECONDS_IN_LINE) as line:
            await _permits.acquire()
        if line.cancelled_caught:
            raise HTTPException(
                503,
                f"The page reads the warehouse for {MOST_AT_A_TIME} other requests, and this one waited"
                f" {MOST_SECONDS_IN_LINE} s. Try again in a moment. If the page stays busy, read"
                " pg_stat_activity to see what slows the warehouse down.",
                RETRY_AFTER,
            )
        try:
            # Not the semaphore alone: a thread needs a limiter, and the default one is Airflow's.
            return await run_sync(partial(endpoint, *args, **kwargs), limiter=_threads)
        finally:
            _permits.release()

    return run
