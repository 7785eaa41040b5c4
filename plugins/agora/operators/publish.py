"""The last step of a collecting run: what it came to, for people and for the asset's consumers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from agora.errors import RUNBOOK
from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import NOTE_KEY, noted
from agora.operators.batch import Batch
from agora.operators.collect import SUMMARY_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance

    from agora.bandwidth.summary import Summary

BANDWIDTH = Asset("agora_bandwidth")


class BandwidthPublishOperator(BaseOperator):
    """Says what the run did: an event of the asset `agora_bandwidth` with counts, and a note on the run.

    Where nothing was loaded, or a check failed, it ends as skipped, so that the asset's consumers are not
    woken for nothing or by figures that contradict each other.

    Args:
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_ids: The tasks that check what was loaded.
    """

    def __init__(
        self, *, plan_task_id: str, collect_task_id: str, check_task_ids: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(outlets=[BANDWIDTH], **kwargs)
        self.plan_task_id = plan_task_id
        self.collect_task_id = collect_task_id
        self.check_task_ids = check_task_ids

    def execute(self, context: Context) -> None:
        """Add the batches' counts up and publish them."""
        from agora.warehouse.landed import landed

        ti = context["ti"]
        batches = [Batch(**batch) for batch in ti.xcom_pull(task_ids=self.plan_task_id) or []]
        app_days = [app_day for batch in batches for app_day in batch.app_days()]
        with noted(context), warehouse() as engine, engine.connect() as connection:
            came_to = landed(connection, app_days, context["dag_run"].start_date or datetime.now(UTC))
        # Counts are the warehouse's: they hold whatever became of the tasks.
        total = self._said_by_tasks(ti)
        total.states, total.changed, total.points = came_to
        planned = ti.xcom_pull(task_ids=self.plan_task_id, key=NOTE_KEY) or "Planning failed; see its log."
        failed_checks = self._failed_checks(ti)
        problems = [*dict.fromkeys(self._pulled(ti, NOTE_KEY)), *filter(None, [failed_checks])]
        note = "\n".join([*problems, *([total.text()] if app_days else []), planned])
        ti.xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if failed_checks:
            raise AirflowSkipException(f"no event of the asset agora_bandwidth: {failed_checks}")
        if not total.changed:
            raise AirflowSkipException("nothing new was loaded, so no event of the asset agora_bandwidth")
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.changed,
            "points": total.points,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }

    def _failed_checks(self, ti: RuntimeTaskInstance) -> str:
        """Name the checks that failed; empty where none did."""
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[*self.check_task_ids], run_ids=[ti.run_id]
        ).get(ti.run_id, {})
        failed = sorted(task_id.rpartition(".")[2] for task_id, state in states.items() if state == "failed")
        if not failed:
            return ""
        return (
            f"The stored data contradict themselves: the check {', '.join(failed)} failed."
            f" See {RUNBOOK}#run-failed"
        )

    def _said_by_tasks(self, ti: RuntimeTaskInstance) -> Summary:
        """Add up what only the collecting tasks know: requests, 429s, reasons."""
        from agora.bandwidth.summary import Summary

        total = Summary()
        for values in self._pulled(ti, SUMMARY_KEY):
            total.add(Summary.from_json(values))
        return total

    def _pulled(self, ti: RuntimeTaskInstance, key: str) -> list[Any]:
        # A list of task ids, because with one id and one batch the value would come bare.
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=key) or []
        return [value for value in values if value]
