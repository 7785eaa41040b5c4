"""Check stored points against their stored responses, then delete data older than the age that you set.

The first task decodes the stored responses for the last 62 days and for a random sample of older days. If
the stored points differ, the task fails and nothing is deleted. By default, the DAG deletes nothing.

To delete old data, set the variable `agora_retention`, for example to `{"raw_answer_days": 400}`:

- `raw_answer_days`: deletes raw responses for older days. The points stay, but they can no longer be checked
  or decoded again.
- `app_day_days`: deletes older days with their points and ledger entries. Their bills disappear with them.

The minimum is 63 days. Days that may still be collected and responses that have not been decoded yet are
never deleted.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.dag_schedules import SCHEDULES
from agora.operators.data_checks import StoredPointsCheckOperator
from agora.operators.maintenance import RetentionOperator


@dag(
    schedule=SCHEDULES["agora_bandwidth_retention"],
    is_paused_upon_creation=False,
    description="Every Sunday: check stored points against stored responses, delete old data if you chose to",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_retention() -> None:
    """Check points and delete old data once a week."""
    # A response that contradicts its points is evidence, so nothing is deleted after a failed check.
    StoredPointsCheckOperator(task_id="check_points") >> RetentionOperator(task_id="delete_old_data")


created_dag = agora_bandwidth_retention()
