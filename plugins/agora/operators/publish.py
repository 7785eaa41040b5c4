"""The last step of a collecting run: what it came to, for people and for the asset's consumers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.batches import Batch, task_output_removed
from agora.dag_support.metrics import report_standing, reported
from agora.dag_support.removed_apps import GONE_KEY
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.hooks.warehouse import warehouse
from agora.operators.collect import SUMMARY_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance
    from sqlalchemy import Connection

    from agora.bandwidth.batch_result import BatchResult

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
        with noting_errors(context):
            states = self._states(ti)
            references = self._references(ti, states)
            batches, unreadable = self._batches(ti, references)
            total = self._reported_by_tasks(ti, batches, states)
        gone = ti.xcom_pull(task_ids=self.plan_task_id, key=GONE_KEY) or ""
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
            doubts = self._record(context, batches, total, _lines(problems))
        heads, details = _sorted(problems)
        note = _lines([*heads, total.text() if total.app_days else "", *details, gone, *doubts, planned])
        ti.xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if failed_check:
            raise AirflowSkipException(f"no event of the asset agora_bandwidth: {failed_check}")
        if not total.changed:
            raise AirflowSkipException("nothing new was loaded, so no event of the asset agora_bandwidth")
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.changed,
            "points": total.points_received,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }

    def _states(self, ti: RuntimeTaskInstance) -> dict[str, str | None]:
        """Return the states of the run's earlier tasks, of a mapped one by its name and index."""
        task_ids = [self.plan_task_id, self.collect_task_id, self.check_task_id]
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=task_ids, run_ids=[ti.run_id])
        return dict(states.get(ti.run_id, {}))

    def _references(self, ti: RuntimeTaskInstance, states: Mapping[str, str | None]) -> list[Any]:
        """Return what was planned; nothing if planning failed.

        Raises:
            TaskOutputRemoved: Planning succeeded, but its plan was removed.
        """
        references = ti.xcom_pull(task_ids=self.plan_task_id)
        if references is None and states.get(self.plan_task_id) == "success":
            raise task_output_removed(ti, self.plan_task_id)
        return references or []

    def _batches(self, ti: RuntimeTaskInstance, references: list[Any]) -> tuple[dict[int, Batch], str]:
        """Return the planned batches by the number of their task, and how many could not be read."""
        batches: dict[int, Batch] = {}
        unreadable: list[str] = []
        for number, reference in enumerate(references):
            try:
                batches[number] = Batch.taken_over(ti, self.plan_task_id, reference)
            except AirflowFailException as error:
                unreadable.append(str(error))
        if not unreadable:
            return batches, ""
        counted = f"{len(unreadable):,} of {len(references):,} planned batches could not be counted."
        return batches, f"{counted} {unreadable[0]}"

    def _record(
        self, context: Context, batches: Mapping[int, Batch], total: BatchResult, problems: str
    ) -> list[str]:
        """Record the run, with the warehouse's counts, which hold whatever became of the tasks; refresh.

        Returns:
            What a person should look at: doubtful responses.
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
            with reported("refresh"):
                refresh(engine)
            report_standing(engine)
        return found

    def _failed_check(self, ti: RuntimeTaskInstance, states: Mapping[str, str | None]) -> str:
        """Say what is wrong with what is stored; empty where nothing is."""
        if states.get(self.check_task_id) != "failed":
            return ""
        said = ti.xcom_pull(task_ids=self.check_task_id, key=NOTE_KEY)
        return said or f"What is stored could not be checked; see the log of {self.check_task_id}."

    def _reported_by_tasks(
        self, ti: RuntimeTaskInstance, batches: Mapping[int, Batch], states: Mapping[str, str | None]
    ) -> BatchResult:
        """Add up what only the tasks know: responses, requests, 429s, reasons.

        Raises:
            TaskOutputRemoved: A task succeeded, but what it reported was removed.
        """
        from agora.bandwidth.batch_result import BatchResult

        total = BatchResult()
        stopped: dict[str, str] = {}
        if tried := ti.xcom_pull(task_ids=self.plan_task_id, key=SUMMARY_KEY):
            total.add(BatchResult.from_json(tried))
        elif states.get(self.plan_task_id) == "success":
            raise task_output_removed(ti, self.plan_task_id)
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=SUMMARY_KEY, map_indexes=[*batches])
        for (number, batch), value in zip(batches.items(), values, strict=True):
            if not value and states.get(f"{self.collect_task_id}_{number}") == "success":
                raise task_output_removed(ti, self.collect_task_id)
            if value:
                summary = BatchResult.from_json(value)
                total.add(summary)
                if summary.stopped:
                    stopped.setdefault(batch.conn_id, summary.stopped)
        # Each batch of an account that was stopped names another app-day.
        total.stopped = _lines(stopped.values())
        return total

    def _pulled(self, ti: RuntimeTaskInstance, key: str, batches: int) -> list[Any]:
        # By index: a run that was cleared may have had more batches before, which are still heard.
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=key, map_indexes=range(batches))
        return [value for value in values if value]


def _count(batches: Iterable[Batch], connection: Connection, since: datetime, total: BatchResult) -> None:
    """Count what the batches have come to."""
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


def _sorted(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the lines that say what failed, and those with details, which come after the counts."""
    from agora.bandwidth.batch_result import DETAIL

    lines = _lines(texts).splitlines()
    details = [line for line in lines if line.startswith(DETAIL)]
    return [line for line in lines if line not in details], details


def _lines(texts: Iterable[str]) -> str:
    """Put texts together, each line once."""
    return "\n".join(dict.fromkeys(line for text in texts for line in text.splitlines() if line))
