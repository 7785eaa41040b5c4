"""dlt's declarative `rest_api` source, with a step that turns each response into rows or an Arrow table."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import dlt
import numpy as np
import pyarrow as pa
from dlt.sources.rest_api import rest_api_source

from tests.bench.competitors import dlt_settings, points_table
from tests.bench.job import Job, serve

ROWS_PER_FILE = 50_000


def prepare(job: Job) -> Callable[[], None]:
    """Return the run of a pipeline from the API to the table of points."""
    points_table.create(job)
    if sys.argv[1] == "arrow":
        # Files of Arrow tables need no normalisation, so there is no work to distribute.
        step, file_format, settings = {"map": _table}, "parquet", {"normalize__workers": 1}
    else:
        # One file per normalising process, so that all are busy.
        step, file_format, settings = {"yield_map": _rows}, "csv", {"normalize__workers": os.cpu_count() or 1}

    def work() -> None:
        pipeline = dlt_settings.pipeline(
            job,
            data_writer__buffer_max_items=ROWS_PER_FILE,
            data_writer__file_max_items=ROWS_PER_FILE,
            **settings,
        )
        pipeline.run(_source(job, step), loader_file_format=file_format)

    return work


def _source(job: Job, step: dict[str, Callable[..., Any]]) -> Any:
    app_days = [{"app_id": app_id, "date": day.replace("-", "")} for app_id, day in job.requested]
    return rest_api_source(
        {
            "client": {
                "base_url": job.base_url,
                "auth": {
                    "type": "http_basic",
                    "username": job.customer_id,
                    "password": job.customer_certificate,
                },
            },
            "resources": [
                dlt.resource([app_days], name="app_day", selected=False),
                {
                    "name": points_table.NAME,
                    "endpoint": {
                        "path": "apps/{resources.app_day.app_id}/usages/bandwidth",
                        "params": {"date": "{resources.app_day.date}"},
                        "paginator": "single_page",
                        "data_selector": "$",
                    },
                    "include_from_parent": ["app_id"],
                    "processing_steps": [step],
                    "parallelized": True,
                    "write_disposition": dlt_settings.UPSERT,
                    "primary_key": points_table.KEY,
                    "columns": {"interval_start": {"data_type": "timestamp"}},
                },
            ],
        }
    )


def _rows(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    app_id, day = response["_app_day_app_id"], response["date"]
    for clock, kbps in response["value"].items():
        yield {"app_id": app_id, "interval_start": f"{day}T{clock}:00Z", "kbps": float(kbps)}


def _table(response: dict[str, Any]) -> pa.Table:
    value = response["value"]
    starts = np.array([f"{response['date']}T{clock}" for clock in value], dtype="datetime64[us]")
    return pa.table(
        {
            "app_id": pa.repeat(response["_app_day_app_id"], len(value)),
            "interval_start": pa.array(starts, pa.timestamp("us", "UTC")),
            "kbps": np.array(list(value.values()), dtype=np.float64),
        }
    )


if __name__ == "__main__":
    serve(prepare)
