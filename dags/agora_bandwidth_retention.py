"""Drop what is older than you chose. By default nothing is: points and answers are kept for good.

Set the variable `agora_retention` to choose, for example `{"raw_answer_days": 400}`:

- `raw_answer_days`: raw answers about older days are dropped; their points stay. Without its raw answer a day
  can be neither proven nor read anew.
- `app_day_days`: older days are dropped, points and ledger; their bills go with them.

At least 63 days. What is not final stays whatever its age: days that are neither collected nor lost, answers
that could not be read yet.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.operators.every_dag import BANDWIDTH_DAG
from agora.operators.maintenance import RetentionOperator


@dag(
    schedule="0 5 * * 0",
    is_paused_upon_creation=False,
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_retention() -> None:
    """Drop once a week."""
    RetentionOperator(task_id="drop_what_is_old")


agora_bandwidth_retention()
