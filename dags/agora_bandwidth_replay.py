"""Decode stored responses again, without requests to the vendor.

Every response is stored as received in `raw.bandwidth_response`. Even days that are no longer available can
therefore be decoded again after a decoder fix, or moved after a connection's time zone was corrected.

- If a day has several responses, they are applied in order of arrival. A newer response wins if it
  contradicts a point or has more points.
- Points that are no longer in any response are removed.
- A day keeps the time zone in which it was collected. **Correct time zone** moves it to the current zone of
  its account's connection.
- `mart.restatement` lists every change. If nothing changes, the asset `agora_bandwidth` is not updated.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.params import DAYS_AND_APPS, lines_template
from agora.operators.data_checks import StoredDataCheckOperator
from agora.operators.maintenance import BandwidthReplayOperator
from agora.operators.publish import ReplayPublishOperator


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        **DAYS_AND_APPS,
        "correct_zone": Param(
            False,
            type="boolean",
            title="Correct time zone",
            description="Move the days to the current time zone of their account's connection.",
        ),
    },
    description="Decode stored responses again, without requests to the vendor",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_replay() -> None:
    """Replay the days that the trigger form selects, check the stored data, and update the asset."""
    replay = BandwidthReplayOperator(
        task_id="replay",
        from_date="{{ params.from_date or '' }}",
        to_date="{{ params.to_date or '' }}",
        app_ids=lines_template("app_ids"),
        correct_zone="{{ params.correct_zone }}",
    )
    check = StoredDataCheckOperator(task_id="check")
    replay >> check >> ReplayPublishOperator(task_id="publish", replay_task_id=replay.task_id)


created_dag = agora_bandwidth_replay()
