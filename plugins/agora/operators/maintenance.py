"""What is done by hand or once a week with what is kept: reading it anew, dropping what is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import NOTE_KEY, noted
from agora.operators.templated import as_list
from agora.words import things

if TYPE_CHECKING:
    from airflow.sdk import Context

RETENTION_VARIABLE = "agora_retention"


class BandwidthReplayOperator(BaseOperator):
    """Reads the kept answers of some days anew; where that changes nothing, it ends as skipped.

    Args:
        from_date: First usage date in ISO spelling.
        to_date: Last usage date, included.
        app_ids: JSON list of App IDs; empty or null for all.
    """

    template_fields: Sequence[str] = ("from_date", "to_date", "app_ids")

    def __init__(self, *, from_date: str, to_date: str, app_ids: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.from_date = from_date
        self.to_date = to_date
        self.app_ids = app_ids

    def execute(self, context: Context) -> None:
        """Replay, and say what came of it."""
        from agora.bandwidth.replay import replay
        from agora.warehouse.stored_figures import refresh

        from_date, to_date = date.fromisoformat(self.from_date), date.fromisoformat(self.to_date)
        if from_date > to_date:
            raise AirflowFailException(f"from_date {from_date} is after to_date {to_date}: swap the two.")
        with noted(context), warehouse() as engine:
            summary = replay(engine, from_date, to_date, tuple(as_list("app_ids", self.app_ids)))
            refresh(engine)
        note = summary.replayed()
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if not summary.changed:
            raise AirflowSkipException(note)


class RetentionOperator(BaseOperator):
    """Drops what the variable `agora_retention` says; without it, nothing."""

    def execute(self, context: Context) -> None:
        """Drop, and say how much."""
        from agora.warehouse.retention import forget, parse_retention
        from agora.warehouse.stored_figures import refresh

        value = Variable.get(RETENTION_VARIABLE, default=None)
        if value is None:
            raise AirflowSkipException(f"Everything is kept: the variable {RETENTION_VARIABLE} is not set.")
        with noted(context):
            retention = parse_retention(value)
            with warehouse() as engine:
                answers, app_days = forget(engine, retention, datetime.now(UTC).date())
                refresh(engine)
        note = f"{things(answers, 'raw answer')} and {things(app_days, 'app-day')} dropped."
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
