"""Collect bandwidth for chosen days, for some or all apps.

- Complete days are not requested again, unless you set **Reload**.
- The vendor refuses days that have left its window (HTTP 400). The run note counts these days, and the run
  succeeds.
- If the vendor serves a day that is not expected for an app, the day is stored too. Coverage shows only
  expected days.
- A reloaded day replaces the stored day if it contradicts a point or has more points.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.params import DAYS_AND_APPS, lines_template
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
    description="Collect bandwidth for chosen days",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_backfill() -> None:
    """Collect the days that the trigger form selects."""
    collect_bandwidth(
        from_date="{{ params.from_date or '' }}",
        to_date="{{ params.to_date or '' }}",
        app_ids=lines_template("app_ids"),
        reload="{{ params.reload }}",
    )


created_dag = agora_bandwidth_backfill()
