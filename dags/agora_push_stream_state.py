"""Ask every night whether push-streaming is enabled for each app, and keep the answers.

- Result: `mart.push_stream_state`, a row for each stretch of time in which an app's answer stayed the same.
- One request an app, within the account's rate limit. Apps: variable `agora_apps`.
- If it fails, it names each app with its reason; the answers of the others are kept, and the next night asks
  again.
- Pause it where your account does not have this call.
- To ask for some apps now, or to apply: `agora_push_stream_open`.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.dag_support.dag_defaults import POOL, PUSH_STREAM_DAG
from agora.dag_support.dag_schedules import SCHEDULES
from agora.operators.push_stream_open import PushStreamOpenOperator


@dag(
    schedule=SCHEDULES["agora_push_stream_state"],
    is_paused_upon_creation=False,
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_state() -> None:
    """Query all apps."""
    PushStreamOpenOperator(task_id="query", pool=POOL)


agora_push_stream_state()
