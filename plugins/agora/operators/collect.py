"""Operator that collects one batch: the second step of a collecting run."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from agora.bandwidth.batch_result import BatchResult
from agora.dag_support.batches import Batch
from agora.dag_support.lineage import Datasets, lineage
from agora.dag_support.metrics import report_batch
from agora.dag_support.run_notes import note, noting_errors
from agora.domain import Cause
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

from agora.dag_support.run_outputs import RESULT_KEY


class BandwidthCollectOperator(BaseOperator):
    """Collect one batch. Load all sound responses, then fail with the names of any failed apps.

    Args:
        plan_task_id: The planning task.
        batch: Reference to the batch, as returned by the planning task.
    """

    def __init__(self, *, plan_task_id: str, batch: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.batch = batch
        self._datasets: Datasets | None = None

    def execute(self, context: Context) -> None:
        """Collect the batch. Failed requests are retried here, not by Airflow."""
        with noting_errors(context):
            batch = Batch.pull(context["ti"], self.plan_task_id, self.batch)
        if batch.unusable:
            # The run note contains the details too.
            headline = batch.unusable.partition("\n")[0]
            note(context, headline, [Cause(batch.unusable_by, batch.conn_id)])
            raise AirflowFailException(batch.unusable)
        if not batch.app_ids_by_day:
            context["ti"].xcom_push(RESULT_KEY, BatchResult().to_json())
            return
        with noting_errors(context):
            result = asyncio.run(self._collect(batch))
        context["ti"].xcom_push(RESULT_KEY, result.to_json())
        report_batch(batch.conn_id, result)
        self.log.info("%s", result.text())
        if problems := result.failed():
            raise AirflowFailException(problems)

    async def _collect(self, batch: Batch) -> BatchResult:
        from agora.bandwidth.collect import collect
        from agora.bandwidth.shared_client import shared_client
        from agora.client.dashboard import CONFIRMING_APPS
        from agora.warehouse import app_days, apps, planning_queries

        settings = AgoraDashboardHook(batch.conn_id).get_settings()
        planned, since = batch.app_days(), datetime.fromisoformat(batch.planned_at)
        with warehouse() as engine:
            url = engine.url
            self._datasets = Datasets(settings.base_url, url.host, url.port, url.database)
            with engine.connect() as connection:
                done, refused = planning_queries.results(connection, planned, since)
                witnesses = planning_queries.served(connection, batch.conn_id, most=CONFIRMING_APPS)
            async with shared_client(settings, engine) as client:
                result = await collect(
                    [day for day in planned if day not in done],
                    client,
                    engine,
                    witnesses=witnesses,
                    refused_before=refused,
                )
            with engine.connect() as connection:
                result.states, _ = app_days.states(connection, planned, since)
                result.separate_removed(apps.removed(connection, result.failures))
            result.app_days = len(planned)
            return result

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """Return the inputs and outputs. The OpenLineage provider calls this method if it is active."""
        return lineage(self._datasets) if self._datasets else None
