"""Start, update or stop pushing a channel's stream to RTMP servers.

- **start** pushes the channel to `urls`. **update** changes its `urls`, its `uids` (the hosts in order)
  or both; empty fields stay unchanged. **stop** ends the push.
- The vendor's response is the task's return value (Storage tab, XCom) and part of the run note. Reload the
  run's page to see the note.
- If the vendor refuses the action, the task fails immediately. The error contains the channel, the status,
  the vendor's message and a remedy.
- If the response to a start is lost, the start is not sent again, because it may have taken effect. To
  check, send an update with the same `urls`: 404 means that nothing was started.
- Anyone who can read this DAG's runs can read the stream keys in `urls`.
- The connection `agora_push_stream`, or another connection of the same type, defines the app.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import CHANNEL, lines_template
from agora.operators.push_stream_channel import PushStreamActionOperator


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        "action": Param(
            type="string",
            enum=["start", "update", "stop"],
            title="Action",
            description="start pushes to the URLs; update changes URLs, hosts or both; stop ends the push.",
        ),
        **CHANNEL,
    },
    description="Start, update or stop pushing a channel's stream to RTMP servers",
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_channel() -> None:
    """Run one of the three actions. There are no retries, because a person is waiting for the response."""
    PushStreamActionOperator(
        task_id="call",
        action="{{ params.action }}",
        cname="{{ params.cname }}",
        conn_id="{{ params.conn_id }}",
        urls=lines_template("urls"),
        uids=lines_template("uids", "int"),
    )


created_dag = agora_push_stream_channel()
