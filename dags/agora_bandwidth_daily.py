"""Collect bandwidth every night.

Each run collects **every expected day that is missing and may still be available**, soonest to expire first.
After an outage, the next run catches up.

- **Trigger** it at any time. Complete days are not requested again, except once after they have settled.
- A **backfill** of this DAG collects exactly the days that you choose.
- The variable `agora_apps` lists the apps. The connection `agora_dashboard` defines their vendor account.
- If a run fails, its note and the failed `collect` task name each app with the reason. All sound data is
  already loaded, and the next run requests the missing days again.

Results: `mart.bandwidth_5min`, `mart.billing_monthly` and `mart.coverage` in the warehouse.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.dag_support.dag_schedules import SCHEDULES
from agora.operators.plan import own_day_of_backfill
from agora.task_groups.collect_bandwidth import collect_bandwidth


@dag(
    schedule=SCHEDULES["agora_bandwidth_daily"],
    description="Every night: collect every expected day that is missing and still available",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_daily() -> None:
    """Collect all missing app-days."""
    day = own_day_of_backfill()
    collect_bandwidth(from_date=day, to_date=day)


created_dag = agora_bandwidth_daily()
