"""Defaults of all our DAGs: no catch-up, one run at a time, retries, notifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agora.callbacks import notify_failure, resolve_incident

# Tasks are retried only after crashes and while the warehouse is unreachable: after 1, 2, 4, 8, 16 and 30
# minutes, about the time a server is down unattended. Failed requests to the vendor are retried one by one.
RETRIES = {
    "retries": 6,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
}

POOL = "agora_api"
TAG = "agora"  # of all our DAGs

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": datetime(2020, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    # With the LocalExecutor, a task whose worker is killed before it begins stays queued forever. Therefore a
    # run ends before the next night's run is due, which then collects the missing days.
    "dagrun_timeout": timedelta(hours=20),
    "default_args": {"owner": "agora", **RETRIES},
    "on_failure_callback": notify_failure,
    "on_success_callback": resolve_incident,
}
BANDWIDTH_DAG = {**DAG_DEFAULTS, "tags": [TAG, "bandwidth"]}
PUSH_STREAM_DAG = {**DAG_DEFAULTS, "tags": [TAG, "push-stream"]}
