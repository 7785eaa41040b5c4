"""The task group that every collecting DAG shares: plan → collect → check → publish."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import task_group

from agora.dag_support.dag_defaults import POOL
from agora.dag_support.planned_batches import PlannedBatches
from agora.operators.collect import BandwidthCollectOperator
from agora.operators.data_checks import StoredDataCheckOperator
from agora.operators.plan import BandwidthPlanOperator
from agora.operators.publish import BandwidthPublishOperator


@task_group
def collect_bandwidth(
    from_date: str = "", to_date: str = "", app_ids: str = "[]", reload: str = "false"
) -> None:
    """Collect what is missing, then check and publish whatever was loaded, failures or not.

    Args:
        from_date: Template of the first usage date; empty for everything wanted.
        to_date: Template of the last usage date, included; empty for the first alone.
        app_ids: Template of a JSON list of App IDs; empty for all.
        reload: Template of "true" to ask for complete days again.
    """
    plan = BandwidthPlanOperator(
        task_id="plan", from_date=from_date, to_date=to_date, app_ids=app_ids, reload=reload
    )
    collect = BandwidthCollectOperator.partial(
        task_id="collect",
        plan_task_id=plan.task_id,
        pool=POOL,
        map_index_template="{{ task.batch.label }}",
        execution_timeout=timedelta(hours=2),
    ).expand(batch=PlannedBatches(plan))
    check = StoredDataCheckOperator(task_id="check", trigger_rule="all_done")
    publish = BandwidthPublishOperator(
        task_id="publish",
        plan_task_id=plan.task_id,
        collect_task_id=collect.task_id,
        check_task_id=check.task_id,
        trigger_rule="all_done",
    )
    # Without it the run would end as its last task does, and a failed batch would go unseen.
    everything_succeeded = EmptyOperator(task_id="everything_succeeded", trigger_rule="none_failed")
    plan >> collect >> check >> publish
    [collect, check, publish] >> everything_succeeded
