"""The second step of a collecting run: one batch, fetched and loaded."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from agora.errors import CredentialsRefused
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import noted
from agora.operators.batch import Batch
from agora.operators.lineage import Places, lineage
from agora.operators.metrics import report_batch

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from agora.bandwidth.summary import Summary

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
        batch = Batch.taken_over(context["ti"], self.plan_task_id, self.batch)
        if batch.unusable:
            raise AirflowFailException(batch.unusable)
        try:
            with noted(context):
                summary = asyncio.run(self._collect(batch))
        except CredentialsRefused as error:
            raise AirflowFailException(str(error)) from error
        context["ti"].xcom_push(SUMMARY_KEY, summary.to_json())
        report_batch(batch.conn_id, summary)
        self.log.info("%s", summary.text())
        if summary.failures:
            raise AirflowFailException(summary.failed())

    async def _collect(self, batch: Batch) -> Summary:
        from agora.bandwidth.collect import collect
        from agora.bandwidth.shared_pace import shared_client
        from agora.warehouse.wanted import not_collected_since

        settings = AgoraDashboardHook(batch.conn_id).get_settings()
        with warehouse() as engine:
            url = engine.url
            self._places = Places(settings.base_url, url.host, url.port, url.database)
            with engine.connect() as connection:
                asked = not_collected_since(
                    connection, batch.app_days(), datetime.fromisoformat(batch.planned_at)
                )
            async with shared_client(settings, engine) as client:
                return await collect(asked, client, engine)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """Say what was read and written; the OpenLineage provider calls this where it is active."""
        return lineage(self._places) if self._places else None
