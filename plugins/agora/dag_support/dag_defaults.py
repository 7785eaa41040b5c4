"""What every DAG of ours has in common: no catching up, one run at a time, patience, and telling people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agora.callbacks import notify_failure, resolve_incident

# Only crashes and a warehouse that is away are tried again (the vendor's failures were, request by request):
# after 1, 2, 4, 8, 16 and 30 minutes, which is as long as a server may be down unattended.
PATIENCE = {
    "retries": 6,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
}

POOL = "agora_api"

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": datetime(2020, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    # A task whose worker is killed before it begins stays queued for ever with the LocalExecutor, which does
    # not take it back. So a run ends before the next night's is due, and that one collects what is missing.
    "dagrun_timeout": timedelta(hours=20),
    "default_args": {"owner": "agora", **PATIENCE},
    "on_failure_callback": notify_failure,
    "on_success_callback": resolve_incident,
}
BANDWIDTH_DAG = {**DAG_DEFAULTS, "tags": ["agora", "bandwidth"]}
PUSH_STREAM_DAG = {**DAG_DEFAULTS, "tags": ["agora", "push-stream"]}
