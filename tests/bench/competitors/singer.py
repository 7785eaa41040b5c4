"""A Singer SDK tap, piped into MeltanoLabs' `target-postgres`, each in its own process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from singer_sdk import Stream, Tap
from singer_sdk import typing as singer
from singer_sdk.contrib.msgspec import MsgSpecReader, MsgSpecWriter
from sqlalchemy import make_url
from target_postgres.target import TargetPostgres

from tests.bench.competitors import points_table
from tests.bench.job import Job, serve

ROWS_PER_BATCH = 100_000


class Points(Stream):
    """The points of all app-days, with several app-days fetched at a time."""

    name = points_table.NAME
    primary_keys = tuple(points_table.KEY)
    schema = singer.PropertiesList(
        singer.Property("app_id", singer.StringType, required=True),
        singer.Property("interval_start", singer.DateTimeType, required=True),
        singer.Property("kbps", singer.NumberType),
    ).to_dict()

    def get_records(self, context: Any) -> Iterator[dict[str, Any]]:
        """Yield one record per point."""
        job = Job(**self.config["job"])
        with requests.Session() as session, ThreadPoolExecutor(job.max_concurrency) as pool:
            session.auth = job.login
            session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=job.max_concurrency))

            def fetched(app_day: tuple[str, str]) -> dict[str, Any]:
                response = session.get(job.url(*app_day), timeout=30)
                response.raise_for_status()
                return {"app_id": app_day[0], **response.json()}

            for response in pool.map(fetched, job.requested):
                for clock, kbps in response["value"].items():
                    start = f"{response['date']}T{clock}:00+00:00"
                    yield {"app_id": response["app_id"], "interval_start": start, "kbps": kbps}


class PointsTap(Tap):
    """The tap."""

    name = "tap-agora"
    message_writer_class = MsgSpecWriter
    config_jsonschema = singer.PropertiesList(singer.Property("job", singer.ObjectType())).to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return the only stream."""
        return [Points(self)]


class Target(TargetPostgres):
    """The target, with the faster reader of messages."""

    message_reader_class = MsgSpecReader


def prepare(job: Job) -> Callable[[], None]:
    """Return the run of tap and target."""
    points_table.create(job)
    return lambda: _run(job)


def _run(job: Job) -> None:
    reading, writing = os.pipe()
    # Forked, so that neither process imports anything during the measured time.
    tap = os.fork()
    if tap == 0:
        os.close(reading)
        os.dup2(writing, 1)
        sys.stdout = os.fdopen(1, "w")
        PointsTap(config={"job": vars(job)}).sync_all()
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as messages:
        Target(config=_target_config(job)).listen(messages)
    os.waitpid(tap, 0)


def _target_config(job: Job) -> dict[str, Any]:
    url = make_url(job.database_url)
    return {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "database": url.database,
        "default_target_schema": job.schema,
        "load_method": "upsert",
        "use_copy": True,
        "batch_size_rows": ROWS_PER_BATCH,
        "validate_records": False,
        "add_record_metadata": False,
        "activate_version": False,
    }


if __name__ == "__main__":
    serve(prepare)
