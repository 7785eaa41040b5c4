"""Apply for push-streaming of some apps or all, or query whether it is enabled.

- **query** asks the vendor for each app and changes nothing.
- **apply** asks first, and applies for each app that is not enabled. `false` is an answer, too: the vendor
  has not enabled it, or not yet; query later.
- The answer for each app is the task's return value (tab Storage, XCom), and is kept in
  `mart.push_stream_state`.
- An application whose answer was lost is not sent again by itself; the message says so, and a query shows it.
- Apps and their accounts: variable `agora_apps`, connection `agora_dashboard`.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import APP_IDS, lines
from agora.operators.push_stream_open import APPLY, QUERY, PushStreamOpenOperator


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        "action": Param(
            QUERY,
            type="string",
            enum=[QUERY, APPLY],
            title="Action",
            description="query only asks; apply applies for push-streaming.",
        ),
        "app_ids": APP_IDS,
    },
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_open() -> None:
    """Ask once; somebody waits for the answer."""
    PushStreamOpenOperator(
        task_id="open_state",
        app_ids=lines("app_ids"),
        action="{{ params.action }}",
        retries=0,
    )


agora_push_stream_open()
