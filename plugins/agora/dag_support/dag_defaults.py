"""Defaults for all Agora DAGs: no catch-up, one run at a time, retries, notifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agora.callbacks import notify_failure, resolve_incident

# Tasks are retried only after crashes and while the warehouse is unreachable. The delays of 1, 2, 4, 8, 16
# and 30 minutes cover about the time that an unattended server is down. Failed requests to the vendor are
# retried individually, not by Airflow.
RETRIES = {
    "retries": 6,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
}

POOL = "agora_api"
TAG = "agora"  # set on every Agora DAG

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": datetime(2020, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    # With the LocalExecutor, a task whose worker is killed before the task begins stays queued forever. The
    # timeout ends such a run before the next nightly run is due. The next run then collects the missing days.
    "dagrun_timeout": timedelta(hours=20),
    "default_args": {"owner": "agora", **RETRIES},
    "on_failure_callback": notify_failure,
    "on_success_callback": resolve_incident,
}
BANDWIDTH_DAG = {**DAG_DEFAULTS, "tags": [TAG, "bandwidth"]}
PUSH_STREAM_DAG = {**DAG_DEFAULTS, "tags": [TAG, "push-stream"]}
