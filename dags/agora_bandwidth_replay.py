"""Decode stored responses again, without a request to the vendor.

Every response is stored as it was received in `raw.bandwidth_response`. So days that are no longer available
can be decoded again after the decoder was fixed, or moved after a connection's time zone was corrected.

- Several responses for a day count in the order in which they came: a newer one wins if it contradicts a
  point or has more points.
- Points that no response yields any more are taken back.
- A day keeps the time zone in which it was collected. **Correct time zone** moves it to the present zone of
  its account's connection.
- `mart.restatement` lists every change. If nothing changes, the run ends as skipped and succeeds.
"""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.params import DAYS_AND_APPS, lines
from agora.operators.data_checks import StoredDataCheckOperator
from agora.operators.maintenance import BandwidthReplayOperator
from agora.operators.publish import BANDWIDTH


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        **DAYS_AND_APPS,
        "correct_zone": Param(
            False,
            type="boolean",
            title="Correct time zone",
            description="Move the days to the present time zone of their account's connection.",
        ),
    },
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_replay() -> None:
    """Replay the days of the trigger form, check the stored data, update the asset."""
    replay = BandwidthReplayOperator(
        task_id="replay",
        from_date="{{ params.from_date }}",
        to_date="{{ params.to_date }}",
        app_ids=lines("app_ids"),
        correct_zone="{{ params.correct_zone }}",
    )
    check = StoredDataCheckOperator(task_id="check")
    replay >> check >> EmptyOperator(task_id="publish", outlets=[BANDWIDTH])


agora_bandwidth_replay()
