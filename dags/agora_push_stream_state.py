"""Record every night whether push-streaming is enabled for each app.

- Result: `mart.push_stream_state`, with one row for each period in which an app's state did not change.
- A run sends one request per app, within the account's rate limit. The variable `agora_apps` lists the apps.
- If the run fails, it names each failed app with the reason. The states of the other apps are stored, and the
  next nightly run requests all states again.
- Pause this DAG if this call is not available to your account.
- To query some apps now, or to apply, use `agora_push_stream_open`.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.dag_support.dag_defaults import POOL, PUSH_STREAM_DAG
from agora.dag_support.dag_schedules import SCHEDULES
from agora.operators.push_stream_open import PushStreamOpenOperator


@dag(
    schedule=SCHEDULES["agora_push_stream_state"],
    is_paused_upon_creation=False,
    description="Every night: record whether push-streaming is enabled for each app",
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_state() -> None:
    """Query all apps."""
    PushStreamOpenOperator(task_id="query", pool=POOL)


created_dag = agora_push_stream_state()
