"""The answers fetched and thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from tests.bench.job import Job, serve


def prepare(job: Job) -> Callable[[], None]:
    """Return the fetching."""
    return lambda: asyncio.run(fetched(job))


async def fetched(job: Job) -> None:
    """Fetch all answers."""
    todo = iter(job.asked)

    async def work(session: aiohttp.ClientSession) -> None:
        for asked in todo:
            async with session.get(job.url(*asked)) as answer:
                await answer.read()

    login = aiohttp.encode_basic_auth(*job.login)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(job.max_concurrency):
            group.create_task(work(session))


if __name__ == "__main__":
    serve(prepare)
