"""Task group that every collecting DAG uses: plan → collect → check → publish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from agora.dag_support.batches import task_output_removed
from agora.dag_support.dag_defaults import POOL
from agora.dag_support.run_notes import noting_errors
from agora.operators.collect import BandwidthCollectOperator
from agora.operators.data_checks import StoredDataCheckOperator
from agora.operators.plan import BandwidthPlanOperator
from agora.operators.publish import BandwidthPublishOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PlannedBatches(PlainXComArg):
    """The planning task's output. If the output was removed, the error includes a remedy.

    Without this class, Airflow would fail with `KeyError: 'batch'` before the operator runs, and retry for
    hours.
    """

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """Return the references to the planned batches.

        Raises:
            AirflowFailException: The references were removed.
        """
        references = super().resolve(context)
        if references is None:
            with noting_errors(cast("Context", context)):
                raise task_output_removed(context["ti"], self.operator.task_id)
        return references


def collect_bandwidth(
    from_date: str = "", to_date: str = "", app_ids: str = "[]", reload: str = "false"
) -> None:
    """Collect missing app-days, then check and publish the loaded data even if some apps failed.

    Args:
        from_date: Template for the first usage date. Empty: the oldest day in the vendor window.
        to_date: Template for the last usage date, inclusive. Empty: yesterday.
        app_ids: Template for a JSON list of App IDs or names. Empty: all apps.
        reload: Template for a boolean. "true" requests complete days again.
    """
    # Not the decorator @task_group, which loads Airflow's Python operators in every task.
    with TaskGroup("collect_bandwidth", tooltip="Plan, collect, check and publish missing app-days"):
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
        # A run takes the state of its last tasks. Without this task, a run with a failed batch would succeed.
        everything_succeeded = EmptyOperator(task_id="everything_succeeded", trigger_rule="none_failed")
        plan >> collect >> check >> publish
        [collect, check, publish] >> everything_succeeded
