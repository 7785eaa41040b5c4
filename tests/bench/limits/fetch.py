"""Fetches the responses and discards them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from tests.bench.job import Job, serve


def prepare(job: Job) -> Callable[[], None]:
    """Return the function that fetches."""
    return lambda: asyncio.run(fetched(job))


async def fetched(job: Job) -> None:
    """Fetch all responses."""
    todo = iter(job.requested)

    async def work(session: aiohttp.ClientSession) -> None:
        for app_day in todo:
            async with session.get(job.url(*app_day)) as response:
                await response.read()

    login = aiohttp.encode_basic_auth(*job.login)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(job.max_concurrency):
            group.create_task(work(session))


if __name__ == "__main__":
    serve(prepare)
