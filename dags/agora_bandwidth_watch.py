"""Look every morning whether bandwidth is about to be lost, and fail before it is.

- **Fails** every day while a wanted app-day that was never collected has no more days left in the vendor's
  window than `days_of_warning` of the variable `agora_alerts` says (7 unless set). It also sees that the
  nightly run has not run: wanted days are computed from the configuration, not from what ran.
- **Fails once** when app-days were lost since the last look; after that it only mentions them.
- **Names**, without failing, the oldest uncollected day, days that are partial, and what was lost in all.

Whom a failed run of any of these DAGs tells is set in the variable `agora_alerts`, nobody unless it is set:
`{"email": ["ops@example.com"], "webhook_conn_id": "agora_webhook", "days_of_warning": 7}`.
E-mail goes through the connection `smtp_default` (`smtp_conn_id` names another). The webhook's address is the
password of its connection. What to do about a failure: `docs/runbook.md`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from agora.notifiers.incident import end_incident, tell_of_failure
from agora.operators.watch import WatchOperator


@dag(
    schedule="0 6 * * *",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "agora", "retries": 2, "retry_delay": timedelta(seconds=30)},
    on_failure_callback=tell_of_failure,
    on_success_callback=end_incident,
    tags=["agora", "bandwidth"],
    doc_md=__doc__,
)
def agora_bandwidth_watch() -> None:
    """Look once."""
    WatchOperator(task_id="watch", execution_timeout=timedelta(minutes=10))


agora_bandwidth_watch()
