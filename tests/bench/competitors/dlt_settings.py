"""Settings that tune every use of dlt (https://dlthub.com/docs/reference/performance)."""

from __future__ import annotations

from typing import Any

import dlt
from dlt.destinations import postgres

from tests.bench.job import Job

# Faster than dlt's delete-insert, with the same result.
UPSERT: Any = {"disposition": "merge", "strategy": "upsert"}


def pipeline(job: Job, **settings: Any) -> Any:
    """Return a pipeline into the contestant's schema.

    Args:
        job: The data to load.
        settings: dlt's settings, with `__` in place of a dot.
    """
    for setting, value in {
        "runtime__dlthub_telemetry": False,
        "extract__workers": job.max_concurrency,
        "extract__max_parallel_items": 4 * job.max_concurrency,
        **settings,
    }.items():
        dlt.config[setting.replace("__", ".")] = value
    # Without the index on dlt's own _dlt_id, because the table of points has its own key.
    destination = postgres(job.database_url, create_indexes=False)
    return dlt.pipeline(
        job.schema, pipelines_dir=job.scratch, destination=destination, dataset_name=job.schema
    )
