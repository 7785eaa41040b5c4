"""Check every morning whether bandwidth data is about to be lost, and fail before it is.

- **Fails** every day while an expected app-day that was never collected is about to leave the vendor's
  window. `days_of_warning` in the variable `agora_alerts` sets how many days ahead (default 7). The DAG also
  fails if the nightly run has stopped, because expected days are derived from the configuration, not from
  past runs.
- **Does not fail** on its first run, because nothing has been collected yet after the installation.
- **Fails once** if app-days were lost since the last run. Later runs only list them.
- **Lists**, without failing, the oldest missing day, partial days and all lost days. It also lists
  unreviewed restatements that lowered a day's sum by more than half, apps with the same response body, and
  DAGs that run late.

The variable `agora_alerts` sets who is notified when a run of any of these DAGs fails. Default: nobody.
Example: `{"email": ["ops@example.com"], "webhook_conn_id": "agora_webhook", "days_of_warning": 7}`.
E-mail uses the connection `smtp_default`, or the connection named in `smtp_conn_id`. The webhook's URL is
stored as the password of its connection. `docs/runbook.md` describes what to do about each failure.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.dag_schedules import SCHEDULES
from agora.operators.expiry_monitor import ExpiryMonitorOperator


@dag(
    schedule=SCHEDULES["agora_bandwidth_watch"],
    is_paused_upon_creation=False,
    description="Every morning: fail while uncollected days are about to expire",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_watch() -> None:
    """Check the expected days once."""
    ExpiryMonitorOperator(task_id="watch", execution_timeout=timedelta(minutes=10))


created_dag = agora_bandwidth_watch()
