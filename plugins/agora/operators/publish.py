"""The last step of a collecting run: what it came to, for people and for the asset's consumers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
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
        ti = context["ti"]
        batches = [Batch(**batch) for batch in ti.xcom_pull(task_ids=self.plan_task_id) or []]
        app_days = [app_day for batch in batches for app_day in batch.app_days()]
        total = self._said_by_tasks(ti, len(batches))
        with noted(context):
            self._entered(context, app_days, total)
        planned = ti.xcom_pull(task_ids=self.plan_task_id, key=NOTE_KEY) or "Planning failed; see its log."
        failed_checks = self._failed_checks(ti)
        notes = self._pulled(ti, NOTE_KEY, len(batches))
        problems = [*dict.fromkeys(notes), *filter(None, [failed_checks])]
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

    def _entered(self, context: Context, app_days: list[tuple[str, date]], total: Summary) -> None:
        """Put the warehouse's counts in, which hold whatever became of the tasks; enter the run, refresh."""
        from agora.warehouse.collection_run import CollectionRun, record
        from agora.warehouse.landed import landed
        from agora.warehouse.stored_figures import refresh

        started_at = context["dag_run"].start_date or datetime.now(UTC)
        with warehouse() as engine:
            with engine.begin() as connection:
                total.states, total.changed, total.points = landed(connection, app_days, started_at)
                run = CollectionRun(
                    context["ti"].dag_id,
                    context["ti"].run_id,
                    started_at,
                    app_days_changed=total.changed,
                    points=total.points,
                    requests=total.requests,
                    retries=total.retries,
                    limited=total.limited,
                    failed_apps=len(total.failures),
                    states=total.states,
                )
                record(connection, run)
            refresh(engine)

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

    def _said_by_tasks(self, ti: RuntimeTaskInstance, batches: int) -> Summary:
        """Add up what only the collecting tasks know: requests, 429s, reasons."""
        from agora.bandwidth.summary import Summary

        total = Summary()
        for values in self._pulled(ti, SUMMARY_KEY, batches):
            total.add(Summary.from_json(values))
        return total

    def _pulled(self, ti: RuntimeTaskInstance, key: str, batches: int) -> list[Any]:
        # By index: a run that was cleared may have had more batches before, which are still heard.
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=key, map_indexes=range(batches))
        return [value for value in values if value]
