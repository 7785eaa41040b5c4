"""Look every morning whether bandwidth is about to be lost, and fail before it is.

- **Fails** every day while a wanted app-day that was never collected has no more days left in the vendor's
  window than `days_of_warning` of the variable `agora_alerts` says (7 unless set). It also sees that the
  nightly run has not run: wanted days are computed from the configuration, not from what ran.
- **Takes note only** when it looks for the first time: at first everything is uncollected.
- **Fails once** when app-days were lost since the last look; after that it only mentions them.
- **Names**, without failing, the oldest uncollected day, days that are partial, and what was lost in all.

Whom a failed run of any of these DAGs tells is set in the variable `agora_alerts`, nobody unless it is set:
`{"email": ["ops@example.com"], "webhook_conn_id": "agora_webhook", "days_of_warning": 7}`.
E-mail goes through the connection `smtp_default` (`smtp_conn_id` names another). The webhook's address is the
password of its connection. What to do about a failure: `docs/runbook.md`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from agora.operators.every_dag import BANDWIDTH_DAG
from agora.operators.watch import WatchOperator


@dag(
    schedule="0 6 * * *",
    is_paused_upon_creation=False,
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_watch() -> None:
    """Look once."""
    WatchOperator(task_id="watch", execution_timeout=timedelta(minutes=10))


agora_bandwidth_watch()
