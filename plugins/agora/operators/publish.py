"""Operator that publishes the outcome of a collecting run: its last step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.batches import Batch, task_output_removed
from agora.dag_support.metrics import report_duration, report_gauges
from agora.dag_support.removed_apps import REMOVED_APPS_KEY
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.hooks.warehouse import warehouse
from agora.operators.collect import RESULT_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance
    from sqlalchemy import Connection

    from agora.bandwidth.batch_result import BatchResult

BANDWIDTH = Asset("agora_bandwidth")


class BandwidthPublishOperator(BaseOperator):
    """Publish the outcome of the run: an event of the asset `agora_bandwidth`, the run note, a ledger row.

    If nothing was loaded or a check failed, the task is skipped, so that the asset's consumers are not
    triggered without new data or with contradictory data.

    Args:
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_id: The task that checks the stored data.
    """

    def __init__(self, *, plan_task_id: str, collect_task_id: str, check_task_id: str, **kwargs: Any) -> None:
        super().__init__(outlets=[BANDWIDTH], **kwargs)
        self.plan_task_id = plan_task_id
        self.collect_task_id = collect_task_id
        self.check_task_id = check_task_id

    def execute(self, context: Context) -> None:
        """Add up the batches' results and publish them."""
        ti = context["ti"]
        with noting_errors(context):
            states = self._states(ti)
            references = self._references(ti, states)
            batches, unreadable = self._batches(ti, references)
            total = self._total(ti, batches, states)
        removed = ti.xcom_pull(task_ids=self.plan_task_id, key=REMOVED_APPS_KEY) or ""
        planned = ti.xcom_pull(task_ids=self.plan_task_id, key=NOTE_KEY)
        if planned is None:
            planned = "Planning failed; see its log."
        failed_check = self._failed_check(ti, states)
        problems = [
            *self._pulled(ti, NOTE_KEY, len(references)),
            *(batch.unusable for batch in batches.values()),
            total.failed(),
            unreadable,
            failed_check,
        ]
        with noting_errors(context):
            suspicious = self._record(context, batches, total, _lines(problems))
        heads, details = _split_details(problems)
        note = _lines(
            [*heads, total.text() if total.app_days else "", *details, removed, *suspicious, planned]
        )
        ti.xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if failed_check:
            raise AirflowSkipException(f"No event of the asset agora_bandwidth: {failed_check}")
        if not total.changed:
            raise AirflowSkipException("Nothing new was loaded, so the asset agora_bandwidth gets no event.")
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.changed,
            "points": total.points_received,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }

    def _states(self, ti: RuntimeTaskInstance) -> dict[str, str | None]:
        """Return the states of the run's earlier tasks. A mapped task's key is its name and index."""
        task_ids = [self.plan_task_id, self.collect_task_id, self.check_task_id]
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=task_ids, run_ids=[ti.run_id])
        return dict(states.get(ti.run_id, {}))

    def _references(self, ti: RuntimeTaskInstance, states: Mapping[str, str | None]) -> list[Any]:
        """Return the references to the planned batches, none if planning failed.

        Raises:
            TaskOutputRemoved: Planning succeeded, but its output was removed.
        """
        references = ti.xcom_pull(task_ids=self.plan_task_id)
        if references is None and states.get(self.plan_task_id) == "success":
            raise task_output_removed(ti, self.plan_task_id)
        return references or []

    def _batches(self, ti: RuntimeTaskInstance, references: list[Any]) -> tuple[dict[int, Batch], str]:
        """Return the planned batches by the index of their task, and a sentence about unreadable ones."""
        batches: dict[int, Batch] = {}
        unreadable: list[str] = []
        for number, reference in enumerate(references):
            try:
                batches[number] = Batch.pull(ti, self.plan_task_id, reference)
            except AirflowFailException as error:
                unreadable.append(str(error))
        if not unreadable:
            return batches, ""
        counted = f"{len(unreadable):,} of {len(references):,} planned batches could not be counted."
        return batches, f"{counted} {unreadable[0]}"

    def _record(
        self, context: Context, batches: Mapping[int, Batch], total: BatchResult, problems: str
    ) -> list[str]:
        """Record the run with counts from the warehouse, and refresh the stored aggregates.

        The warehouse's counts are right even if tasks were killed.

        Returns:
            Notes on suspicious responses.
        """
        from agora.warehouse import suspicious_responses
        from agora.warehouse.runs import CollectionRun, record
        from agora.warehouse.stored_aggregates import refresh

        ti = context["ti"]
        started_at = context["dag_run"].start_date or datetime.now(UTC)
        with warehouse() as engine:
            with engine.begin() as connection:
                _count(batches.values(), connection, started_at, total)
                run = CollectionRun(
                    ti.dag_id,
                    ti.run_id,
                    started_at,
                    app_days=total.app_days,
                    app_days_received=total.received,
                    points_received=total.points_received,
                    app_days_changed=total.changed,
                    requests=total.requests,
                    retries=total.retries,
                    limited=total.limited,
                    failed_apps=len(total.failures),
                    states=total.states,
                    problems=problems,
                )
                record(connection, run)
                found = suspicious_responses.notes(connection, started_at)
            with report_duration("refresh"):
                refresh(engine)
            report_gauges(engine)
        return found

    def _failed_check(self, ti: RuntimeTaskInstance, states: Mapping[str, str | None]) -> str:
        """Return the note of a failed check, or an empty text."""
        if states.get(self.check_task_id) != "failed":
            return ""
        note = ti.xcom_pull(task_ids=self.check_task_id, key=NOTE_KEY)
        return note or f"The stored data could not be checked. See the log of the task {self.check_task_id}."

    def _total(
        self, ti: RuntimeTaskInstance, batches: Mapping[int, Batch], states: Mapping[str, str | None]
    ) -> BatchResult:
        """Add up what only the tasks know: responses, requests, 429s and reasons.

        Raises:
            TaskOutputRemoved: A task succeeded, but its result was removed.
        """
        from agora.bandwidth.batch_result import BatchResult

        total = BatchResult()
        stopped: dict[str, str] = {}
        if tried := ti.xcom_pull(task_ids=self.plan_task_id, key=RESULT_KEY):
            total.add(BatchResult.from_json(tried))
        elif states.get(self.plan_task_id) == "success":
            raise task_output_removed(ti, self.plan_task_id)
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=RESULT_KEY, map_indexes=[*batches])
        for (number, batch), value in zip(batches.items(), values, strict=True):
            if not value and states.get(f"{self.collect_task_id}_{number}") == "success":
                raise task_output_removed(ti, self.collect_task_id)
            if value:
                result = BatchResult.from_json(value)
                total.add(result)
                if result.stopped:
                    stopped.setdefault(batch.conn_id, result.stopped)
        # Each batch of a stopped account names another app-day, so only the first message is used.
        total.stopped = _lines(stopped.values())
        return total

    def _pulled(self, ti: RuntimeTaskInstance, key: str, batches: int) -> list[Any]:
        # By index: before it was cleared, the run may have had more batches, whose XComs still exist.
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=key, map_indexes=range(batches))
        return [value for value in values if value]


def _count(batches: Iterable[Batch], connection: Connection, since: datetime, total: BatchResult) -> None:
    """Count the states and changes of the batches' app-days in the warehouse."""
    from agora.warehouse.app_days import states

    counts: Counter[str] = Counter()
    total.app_days = total.changed = 0
    for batch in batches:
        app_days = batch.app_days()
        found, changed = states(connection, app_days, since)
        counts.update(found)
        total.app_days += len(app_days)
        total.changed += changed
    total.states = dict(counts)


def _split_details(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the headlines of failures and, separately, their detail lines."""
    from agora.bandwidth.batch_result import DETAIL

    lines = _lines(texts).splitlines()
    details = [line for line in lines if line.startswith(DETAIL)]
    return [line for line in lines if line not in details], details


def _lines(texts: Iterable[str]) -> str:
    """Join texts, each line once."""
    return "\n".join(dict.fromkeys(line for text in texts for line in text.splitlines() if line))
