"""Collect bandwidth of chosen days, of all apps or some.

- Complete days are left alone, unless **Reload** is set.
- The vendor refuses days that it no longer shows (HTTP 400). The run's note counts them; they are no failure.
- A day outside an app's expected days is stored if the vendor serves it. Otherwise coverage does not show it.
- A reloaded day replaces the stored one if it contradicts a point or has more points.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.params import DAYS_AND_APPS, lines
from agora.task_groups.collect_bandwidth import collect_bandwidth


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        **DAYS_AND_APPS,
        "reload": Param(
            False,
            type="boolean",
            title="Reload",
            description="Request complete days again.",
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
