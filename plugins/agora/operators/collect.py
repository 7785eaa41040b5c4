"""The second step of a collecting run: one batch, fetched and loaded."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.batches import Batch
from agora.dag_support.lineage import Places, lineage
from agora.dag_support.metrics import report_batch
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from agora.bandwidth.batch_result import BatchResult

SUMMARY_KEY = "summary"


class BandwidthCollectOperator(BaseOperator):
    """Collects one batch: loads everything sound, then fails if anything was not, naming it.

    Args:
        plan_task_id: The planning task.
        batch: What that returned for it, a reference to one batch.
    """

    def __init__(self, *, plan_task_id: str, batch: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.batch = batch
        self._places: Places | None = None

    def execute(self, context: Context) -> None:
        """Collect; an app's failure is not tried again here (it was, request by request), a crash is."""
        with noting_errors(context):
            batch = Batch.taken_over(context["ti"], self.plan_task_id, self.batch)
        if batch.unusable:
            # The run's note has the details, too.
            context["ti"].xcom_push(NOTE_KEY, batch.unusable.partition("\n")[0])
            raise AirflowFailException(batch.unusable)
        with noting_errors(context):
            summary = asyncio.run(self._collect(batch))
        context["ti"].xcom_push(SUMMARY_KEY, summary.to_json())
        report_batch(batch.conn_id, summary)
        self.log.info("%s", summary.text())
        if problems := summary.failed():
            raise AirflowFailException(problems)

    async def _collect(self, batch: Batch) -> BatchResult:
        from agora.bandwidth.collect import collect
        from agora.bandwidth.shared_pace import shared_client
        from agora.client.dashboard import CONFIRMING_APPS
        from agora.warehouse import app_days, apps, planning_queries

        settings = AgoraDashboardHook(batch.conn_id).get_settings()
        planned, since = batch.app_days(), datetime.fromisoformat(batch.planned_at)
        with warehouse() as engine:
            url = engine.url
            self._places = Places(settings.base_url, url.host, url.port, url.database)
            with engine.connect() as connection:
                done, refused = planning_queries.results(connection, planned, since)
                witnesses = planning_queries.served(connection, batch.conn_id, most=CONFIRMING_APPS)
            async with shared_client(settings, engine) as client:
                summary = await collect(
                    [day for day in planned if day not in done],
                    client,
                    engine,
                    witnesses=witnesses,
                    refused_before=refused,
                )
            with engine.connect() as connection:
                summary.states, _ = app_days.states(connection, planned, since)
                summary.remove(apps.removed(connection, summary.failures))
            summary.app_days = len(planned)
            return summary

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """Say what was read and written; the OpenLineage provider calls this where it is active."""
        return lineage(self._places) if self._places else None
