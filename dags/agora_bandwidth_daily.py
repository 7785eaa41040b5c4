"""Collect bandwidth every night.

Looks at **every wanted day of the vendor's window** and collects what is missing, soonest to expire first.
It does not depend on which runs there were: after an outage the next run catches up by itself.

- **Trigger** it at any time; what is complete is not asked for again.
- A **backfill** of this DAG collects exactly the days it was asked for. Days that the vendor no longer shows
  end as skipped, with the vendor's reason.
- What to collect: variable `agora_apps`. Account: connection `agora_dashboard`.
- If it fails, the failed `collect` task names each app with its reason. Everything sound is loaded already,
  and the next run asks again for what is missing.

Result: `mart.bandwidth_5min`, `mart.billing_monthly`, `mart.coverage` in the warehouse.
"""

from __future__ import annotations

from airflow.sdk import dag

from agora.operators.collect_bandwidth import collect_bandwidth
from agora.operators.every_dag import BANDWIDTH_DAG
from agora.operators.plan import own_day_of_backfill
from agora.timetable import UsageDateTimetable


@dag(
    schedule=UsageDateTimetable(minutes_after_midnight=90),
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_bandwidth_daily() -> None:
    """Run the shared task group over everything that is missing."""
    collect_bandwidth(from_date=own_day_of_backfill())


agora_bandwidth_daily()
