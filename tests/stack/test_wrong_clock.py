"""A scheduler whose clock was ahead for a minute skips no run. The test uses Airflow's real functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

PERIOD_DAYS = {
    "agora_bandwidth_daily": 1,
    "agora_bandwidth_watch": 1,
    "agora_bandwidth_retention": 7,
    "agora_push_stream_state": 1,
    "agora_push_stream_broadcast": 1,
}
FIRST = {
    "agora_bandwidth_daily": "2026-11-02T01:30:00+00:00",
    "agora_bandwidth_watch": "2026-11-02T06:00:00+00:00",
    "agora_bandwidth_retention": "2026-11-01T05:00:00+00:00",
    "agora_push_stream_state": "2026-11-02T03:00:00+00:00",
    "agora_push_stream_broadcast": "2026-11-01T18:00:00+00:00",
}


def simulate(home: Path, days_ahead: int) -> dict[str, Any]:
    completed = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.stack.scheduler_nights",
            ROOT / "dags",
            str(days_ahead),
        ],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr[-4000:]
    found: dict[str, Any] = json.loads(completed.stdout.rpartition("\n\n")[2])
    return found


@pytest.mark.parametrize("days_ahead", [1, pytest.param(45, marks=pytest.mark.full)])
def test_a_clock_that_was_ahead_skips_no_run(tmp_path: Path, days_ahead: int) -> None:
    found = simulate(tmp_path, days_ahead)

    assert found["waits"].keys() == PERIOD_DAYS.keys(), "the DAGs that have a schedule"
    for waits in (found["waits"], found["waits_at_the_end"]):
        for dag_id, days in waits.items():
            # The next run may have been created in the wrong minute. Then the wait is for the run after it.
            assert 0 < days <= PERIOD_DAYS[dag_id] * (2 if days_ahead == 1 else 1), dag_id

    ended_at = datetime.fromisoformat(found["ended_at"])
    for dag_id, first in FIRST.items():
        at = datetime.fromisoformat(first)
        expected = []
        while at <= ended_at:
            expected.append(at.isoformat())
            at += timedelta(days=PERIOD_DAYS[dag_id])
        assert found["runs"][dag_id] == expected, f"{dag_id}: each run exactly once"

    # Airflow finds each run created in the wrong minute when it is due, and warns once per run.
    assert found["early_warnings"] <= (len(FIRST) if days_ahead == 1 else 0)
    assert sum(found["warnings"].values()) <= len(FIRST)
