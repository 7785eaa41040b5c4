"""Hand-tuned dlt: custom code fetches and decodes, and passes Arrow tables that ADBC copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import dlt
import numpy as np
import orjson
import pyarrow as pa

from tests.bench.competitors import dlt_settings, points_table
from tests.bench.job import Job, serve

RESPONSES_PER_TABLE = 1000
Responses = list[tuple[int, dict[str, Any]]]


def prepare(job: Job) -> Callable[[], None]:
    """Return the run of a pipeline from the API to the table of points."""
    # A number in place of the App ID, as a hand-tuned pipeline would use.
    points_table.create(job, app_id_type="integer")

    @dlt.resource(
        name=points_table.NAME,
        write_disposition=dlt_settings.UPSERT,
        primary_key=points_table.KEY,
    )
    def points() -> Iterator[pa.Table]:
        responses = asyncio.run(_fetched(job))
        for first in range(0, len(responses), RESPONSES_PER_TABLE):
            yield _table(responses[first : first + RESPONSES_PER_TABLE])

    def work() -> None:
        pipeline = dlt_settings.pipeline(job, normalize__workers=1)
        pipeline.run(points(), loader_file_format="parquet")

    return work


async def _fetched(job: Job) -> Responses:
    number = {app_id: number for number, app_id in enumerate(job.app_ids)}
    todo, responses = iter(job.requested), []

    async def work(session: aiohttp.ClientSession) -> None:
        for app_id, day in todo:
            async with session.get(job.url(app_id, day)) as response:
                responses.append((number[app_id], orjson.loads(await response.read())))

    login = aiohttp.encode_basic_auth(*job.login)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(job.max_concurrency):
            group.create_task(work(session))
    return responses


def _table(responses: Responses) -> pa.Table:
    """Return the points of many responses. Repeated sets of time labels are parsed only once."""
    minutes: dict[tuple[str, ...], Any] = {}
    starts, kbps = [], []
    for _, response in responses:
        clocks = tuple(response["value"])
        if clocks not in minutes:
            minutes[clocks] = np.array([60 * int(c[:2]) + int(c[3:]) for c in clocks], dtype="timedelta64[m]")
        starts.append(np.datetime64(response["date"], "us") + minutes[clocks])
        kbps.append(np.fromiter(response["value"].values(), np.float64, len(clocks)))
    app_ids = np.array([app_id for app_id, _ in responses], dtype=np.int32)
    return pa.table(
        {
            "app_id": np.repeat(app_ids, [len(each) for each in kbps]),
            "interval_start": pa.array(np.concatenate(starts), pa.timestamp("us", "UTC")),
            "kbps": np.concatenate(kbps),
        }
    )


if __name__ == "__main__":
    serve(prepare)
