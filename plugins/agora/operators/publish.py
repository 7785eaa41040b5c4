"""The last step of a collecting run: what it came to, for people and for the asset's consumers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import NOTE_KEY, noted
from agora.operators.batch import Batch
from agora.operators.collect import SUMMARY_KEY
from agora.operators.metrics import report_standing, reported

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance
    from sqlalchemy import Connection

    from agora.bandwidth.summary import Summary

BANDWIDTH = Asset("agora_bandwidth")


class BandwidthPublishOperator(BaseOperator):
    """Says what the run did: an event of the asset `agora_bandwidth` with counts, and a note on the run.

    Where nothing was loaded, or a check failed, it ends as skipped, so that the asset's consumers are not
    woken for nothing or by figures that contradict each other.

    Args:
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_id: The task that checks what was loaded.
    """

    def __init__(self, *, plan_task_id: str, collect_task_id: str, check_task_id: str, **kwargs: Any) -> None:
        super().__init__(outlets=[BANDWIDTH], **kwargs)
        self.plan_task_id = plan_task_id
        self.collect_task_id = collect_task_id
        self.check_task_id = check_task_id

    def execute(self, context: Context) -> None:
        """Add the batches' counts up and publish them."""
        ti = context["ti"]
        batches = ti.xcom_pull(task_ids=self.plan_task_id) or []
        total = self._said_by_tasks(ti, len(batches))
        with noted(context):
            uncounted = self._entered(context, batches, total)
        planned = ti.xcom_pull(task_ids=self.plan_task_id, key=NOTE_KEY) or "Planning failed; see its log."
        failed_check = self._failed_check(ti)
        notes = self._pulled(ti, NOTE_KEY, len(batches))
        problems = [*dict.fromkeys(notes), *filter(None, [uncounted, failed_check])]
        note = "\n".join([*problems, *([total.text()] if total.app_days else []), planned])
        ti.xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if failed_check:
            raise AirflowSkipException(f"no event of the asset agora_bandwidth: {failed_check}")
        if not total.changed:
            raise AirflowSkipException("nothing new was loaded, so no event of the asset agora_bandwidth")
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.changed,
            "points": total.points,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }

    def _entered(self, context: Context, batches: list[Any], total: Summary) -> str:
        """Put the warehouse's counts in, which hold whatever became of the tasks; enter the run, refresh.

        Returns:
            What could not be counted, in words; empty where all was.
        """
        from agora.warehouse.collection_run import CollectionRun, record
        from agora.warehouse.stored_figures import refresh

        ti = context["ti"]
        started_at = context["dag_run"].start_date or datetime.now(UTC)
        with warehouse() as engine:
            with engine.begin() as connection:
                uncounted = self._count(ti, batches, connection, started_at, total)
                run = CollectionRun(
                    ti.dag_id,
                    ti.run_id,
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
            with reported("refresh"):
                refresh(engine)
            report_standing(engine)
        return uncounted

    def _count(
        self,
        ti: RuntimeTaskInstance,
        batches: list[Any],
        connection: Connection,
        since: datetime,
        total: Summary,
    ) -> str:
        """Count what the batches have come to; say which could not be read."""
        from agora.warehouse.landed import landed

        states: Counter[str] = Counter()
        total.changed = total.points = 0
        unreadable: list[str] = []
        for reference in batches:
            try:
                app_days = Batch.taken_over(ti, self.plan_task_id, reference).app_days()
            except AirflowFailException as error:
                unreadable.append(str(error))
                continue
            found = landed(connection, app_days, since)
            states.update(found.states)
            total.changed += found.changed
            total.points += found.points
        total.states = dict(states)
        if not unreadable:
            return ""
        return (
            f"Of {len(batches):,} planned batches {len(unreadable):,} could not be counted. {unreadable[0]}"
        )

    def _failed_check(self, ti: RuntimeTaskInstance) -> str:
        """Say what is wrong with what is stored; empty where nothing is."""
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[self.check_task_id], run_ids=[ti.run_id])
        if states.get(ti.run_id, {}).get(self.check_task_id) != "failed":
            return ""
        said = ti.xcom_pull(task_ids=self.check_task_id, key=NOTE_KEY)
        return said or f"What is stored could not be checked; see the log of {self.check_task_id}."

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
