"""Collect bandwidth of chosen days, of all apps or some.

- Days that are complete are left alone, unless **reload** is set.
- Days that the vendor no longer shows are entered as `lost` with the vendor's reason; they are no failure. If
  all the days are outside the window, the tasks end as skipped and the run succeeds.
- A reloaded day replaces the old one only if it is newer and not less complete.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.operators.collect_bandwidth import collect_bandwidth
from agora.operators.every_dag import BANDWIDTH_DAG
from agora.operators.trigger_form import DAYS_AND_APPS, lines


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        **DAYS_AND_APPS,
        "reload": Param(
            False,
            type="boolean",
            title="Reload",
            description="Ask again for days that are complete.",
        ),
    },
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_backfill() -> None:
    """Run the shared task group over the days of the trigger form."""
    collect_bandwidth(
        from_date="{{ params.from_date }}",
        to_date="{{ params.to_date }}",
        app_ids=lines("app_ids"),
        reload="{{ params.reload }}",
    )


agora_bandwidth_backfill()
