"""Print the OpenLineage event that Airflow's provider sends for a collecting task."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from uuid import uuid4

from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter
from openlineage.client.serde import Serde

from agora.dag_support.lineage import Datasets, lineage

if __name__ == "__main__":
    now = datetime.now(UTC).isoformat()
    event = OpenLineageAdapter().complete_task(
        run_id=str(uuid4()),
        job_name="agora_bandwidth_daily.collect",
        end_time=now,
        task=lineage(Datasets("https://api.agora.io/dev/v2", "db.example", None, "warehouse")),
        nominal_start_time=now,
        nominal_end_time=now,
        owners=["agora"],
        tags=["agora"],
        job_description="Collects bandwidth.",
        job_description_type="text/markdown",
    )
    sys.stdout.write(Serde.to_json(event))
