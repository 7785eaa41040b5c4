"""Compare stored points with their stored responses, then drop data that is older than you chose.

The first task decodes the stored responses of the last 62 days, and of a random sample of older days.
It fails if stored points differ, and nothing is dropped then. By default nothing is dropped at all.

Set the variable `agora_retention` to choose, for example `{"raw_answer_days": 400}`:

- `raw_answer_days`: drops raw responses for older days. The points remain. A day without its raw response can
  be neither proven nor decoded again.
- `app_day_days`: drops older days, with their points and ledger entries. Their bills go with them.

The least is 63 days. Days that may still be collected and responses that are not decoded yet are never
dropped.
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
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_retention() -> None:
    """Check points and drop old data once a week."""
    # A response that contradicts its points is evidence.
    StoredPointsCheckOperator(task_id="check_points") >> RetentionOperator(task_id="drop_what_is_old")


agora_bandwidth_retention()
