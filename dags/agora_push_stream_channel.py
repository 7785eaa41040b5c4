"""Start, update or stop pushing a channel's stream to RTMP servers.

- **start** pushes the channel to `urls`; **update** changes its `urls`, its `uids` (the hosts in their order)
  or both; **stop** ends it. What is left empty stays as it is.
- The vendor's answer is the task's return value (tab Storage, XCom) and stands in the note on the run, which
  a page that was open before the run ended shows only when it is opened anew.
- A refusal fails the task at once, with the channel, the status, the vendor's words and what to do.
- A start whose answer was lost is not sent again by itself: it may have taken effect. An update with the same
  urls shows it: 404 says that nothing was started.
- Stream keys in `urls` can be read by whoever may read this DAG's runs.
- App: connection `agora_push_stream`, or another one of its type.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import CHANNEL, lines
from agora.operators.push_stream_channel import (
    PushStreamActionOperator,
    PushStreamStartOperator,
    PushStreamStopOperator,
    PushStreamUpdateOperator,
)

CNAME, CONN_ID = "{{ params.cname }}", "{{ params.conn_id }}"


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        "action": Param(
            type="string",
            enum=["start", "update", "stop"],
            title="Action",
            description="start pushes to the URLs; update changes URLs, hosts or both; stop ends it.",
        ),
        **CHANNEL,
    },
    doc_md=__doc__,
    **PUSH_STREAM_DAG,
)
def agora_push_stream_channel() -> None:
    """Choose one of the three; somebody waits for the answer, so nothing is tried again."""
    choose = PushStreamActionOperator(task_id="choose")
    start = PushStreamStartOperator(task_id="start", cname=CNAME, conn_id=CONN_ID, urls=lines("urls"))
    update = PushStreamUpdateOperator(
        task_id="update",
        cname=CNAME,
        conn_id=CONN_ID,
        urls=lines("urls"),
        uids=lines("uids", "int"),
        retries=0,
    )
    stop = PushStreamStopOperator(task_id="stop", cname=CNAME, conn_id=CONN_ID, retries=0)
    choose >> [start, update, stop]


agora_push_stream_channel()
