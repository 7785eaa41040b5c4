"""Query whether push-streaming is enabled for some or all apps, or apply for it.

- **query** requests the state of each app and changes nothing.
- **apply** queries first, then applies for each app that is not enabled. The response `false` means that the
  vendor has not enabled it yet; query again later.
- The state of each app is the task's return value (Storage tab, XCom) and is stored in
  `mart.push_stream_state`.
- If the response to an application is lost, the application is not sent again. The error message reports
  this, and a query shows whether the application took effect.
- The variable `agora_apps` lists the apps. The connection `agora_dashboard` defines their vendor account.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import APP_IDS, lines_template
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
            description="query changes nothing. apply submits an application for push-streaming.",
        ),
        "app_ids": APP_IDS,
    },
    description="Query whether push-streaming is enabled for apps, or apply for it",
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_open() -> None:
    """Send the requests once. There are no retries, because a person is waiting for the response."""
    PushStreamOpenOperator(
        task_id="open_state",
        app_ids=lines_template("app_ids"),
        action="{{ params.action }}",
        retries=0,
    )


created_dag = agora_push_stream_open()
