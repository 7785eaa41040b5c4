"""Read kept answers anew, without asking the vendor.

For use after the decoder was corrected, or a connection's time zone: every answer is kept as it was received
in `raw.bandwidth_response`, so days that the vendor no longer shows can be read again.

- Of several answers for a day, the one with the most points counts, the latest of those.
- Points that their own answer no longer yields are taken back.
- What changed is listed in `mart.restatement`. Where nothing changes, the run ends as skipped and succeeds.
"""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag

from agora.operators.checks import StoredDataCheckOperator
from agora.operators.every_dag import BANDWIDTH_DAG
from agora.operators.maintenance import BandwidthReplayOperator
from agora.operators.publish import BANDWIDTH
from agora.operators.trigger_form import DAYS_AND_APPS, lines


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params=DAYS_AND_APPS,
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_replay() -> None:
    """Replay the days of the trigger form, check what is stored, tell the asset's consumers."""
    replay = BandwidthReplayOperator(
        task_id="replay",
        from_date="{{ params.from_date }}",
        to_date="{{ params.to_date }}",
        app_ids=lines("app_ids"),
    )
    check = StoredDataCheckOperator(task_id="check")
    replay >> check >> EmptyOperator(task_id="publish", outlets=[BANDWIDTH])


agora_bandwidth_replay()
