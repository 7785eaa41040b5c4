"""The event of Airflow's OpenLineage provider for a collecting task, checked with OpenLineage's schemas."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.distributed.openlineage_schemas import SPEC, violations
from tests.distributed.plain import PROGRAMS
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(
    not SPEC, reason="AGORA_OPENLINEAGE_SPEC does not name a folder with OpenLineage's schemas"
)


def test_the_event_of_a_collecting_task_is_valid(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(PROGRAMS / "python"), "-m", "tests.distributed.emit_lineage"],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "agora",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": '{"type": "noop"}',
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    event = json.loads(done.stdout[done.stdout.index('{"event') :])

    assert violations(event) == []
    assert {"nominalTime", "processing_engine"} & event["run"]["facets"].keys()
    named = [(dataset["namespace"], dataset["name"]) for dataset in (*event["inputs"], *event["outputs"])]
    assert named == [
        ("https://api.agora.io", "dev/v2/usages/bandwidth"),
        ("postgres://db.example:5432", "warehouse.raw.bandwidth_response"),
        ("postgres://db.example:5432", "warehouse.core.app_day"),
    ]
    # A violation in the event, a dataset or a facet is found.
    assert violations({**event, "eventTime": "yesterday"})
    assert violations({**event, "inputs": [{"namespace": "https://api.agora.io"}]})
    facets = {"nominalTime": {**event["run"]["facets"]["nominalTime"], "nominalStartTime": 5}}
    assert violations({**event, "run": {**event["run"], "facets": facets}})
