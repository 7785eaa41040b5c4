"""Operator that publishes the outcome of a collecting run: the last step of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from agora.bandwidth.batch_result import DETAIL, BatchResult
from agora.dag_support.batches import task_output_removed
from agora.dag_support.metrics import report_duration, report_gauges
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.run_outputs import RESULT_KEY, RunOutputs
from agora.hooks.warehouse import warehouse
from agora.text import join_lines

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Connection

    from agora.dag_support.batches import Batch

BANDWIDTH = Asset("agora_bandwidth")


class AssetOperator(BaseOperator):
    """Base class for the last step of a run, which updates the asset `agora_bandwidth`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(outlets=[BANDWIDTH], **kwargs)

    def publish_event(self, context: Context, total: BatchResult) -> None:
        """Attach the run's counts to the asset event, or suppress the event if no app-day changed."""
        if not total.changed:
            # Airflow records an event for each outlet of a successful task. A skipped task would record no
            # event, but would look like a problem.
            self.outlets = []
            self.log.info("No app-day changed, so no event of the asset agora_bandwidth was recorded.")
            return
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.app_days,
            "points": total.points_received,
            "changed": total.changed,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }


class ReplayPublishOperator(AssetOperator):
    """Publish the outcome of a replay if any app-day changed.

    Args:
        replay_task_id: The task that replays the days.
    """

    def __init__(self, *, replay_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.replay_task_id = replay_task_id

    def execute(self, context: Context) -> None:
        """Publish the result of the replay task."""
        with noting_errors(context):
            result = context["ti"].xcom_pull(task_ids=self.replay_task_id, key=RESULT_KEY)
            if not result:
                raise task_output_removed(context["ti"], self.replay_task_id)
        self.publish_event(context, BatchResult.from_json(result))


class BandwidthPublishOperator(AssetOperator):
    """Publish the outcome of the run: an event of the asset `agora_bandwidth`, the run note, a ledger row.

    Only new and consistent data triggers the asset's consumers. If no app-day changed, there is no event. If
    a check failed, the task is skipped.

    Args:
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_id: The task that checks the stored data.
    """

    def __init__(self, *, plan_task_id: str, collect_task_id: str, check_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.collect_task_id = collect_task_id
        self.check_task_id = check_task_id

    def execute(self, context: Context) -> None:
        """Add up the batches' results and publish them."""
        with noting_errors(context):
            outputs = RunOutputs(context["ti"], self.plan_task_id, self.collect_task_id, self.check_task_id)
            total, failed_check = outputs.total, outputs.failed_check()
            problems = [*outputs.batch_notes(), total.failed(), outputs.unreadable, failed_check]
            suspicious = _record(context, outputs.batches.values(), total, join_lines(problems))
        headlines, details = _split_details(join_lines(problems).splitlines())
        counts = total.text() if total.app_days else ""
        text = join_lines(
            [*headlines, counts, *details, outputs.removed_apps_note(), *suspicious, outputs.plan_note()]
        )
        note(context, text, outputs.causes, is_summary=True)
        self.log.info("%s", text)
        if failed_check:
            raise AirflowSkipException(f"No event of the asset agora_bandwidth: {failed_check}")
        self.publish_event(context, total)


def _record(context: Context, batches: Iterable[Batch], total: BatchResult, problems: str) -> list[str]:
    """Record the run with counts from the warehouse, and refresh the stored aggregates.

    Counts from the warehouse are correct even if tasks were killed.

    Returns:
        Notes on suspicious responses.
    """
    from agora.warehouse import suspicious_responses
    from agora.warehouse.runs import CollectionRun, record
    from agora.warehouse.stored_aggregates import refresh

    # Clearing tasks moves the run's start, but the consumers do not know the earlier changes yet.
    started_at = context["dag_run"].start_date or datetime.now(UTC)
    batches = [*batches]
    since = min([started_at, *(datetime.fromisoformat(batch.planned_at) for batch in batches)])
    with warehouse() as engine:
        with engine.begin() as connection:
            _count(batches, connection, since, total)
            run = CollectionRun(
                context["ti"].dag_id,
                context["ti"].run_id,
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
            suspicious = suspicious_responses.describe(connection, started_at)
        with report_duration("refresh"):
            refresh(engine)
        report_gauges(engine)
    return suspicious


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


def _split_details(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Separate the headlines of failures from their detail lines."""
    headlines: list[str] = []
    details: list[str] = []
    for line in lines:
        (details if line.startswith(DETAIL) else headlines).append(line)
    return headlines, details
