"""Maintenance of stored data: decode responses again, drop what is older than the retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.configured_apps import configured_apps
from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.dag_support.templated_lists import as_app_ids
from agora.errors import SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.text import format_count

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

RETENTION_VARIABLE = "agora_retention"


class BandwidthReplayOperator(BaseOperator):
    """Decodes the stored responses of some days again; ends as skipped if that changes nothing.

    Args:
        from_date: First usage date in ISO spelling.
        to_date: Last usage date, included.
        app_ids: JSON list of App IDs; empty or null for all.
        correct_zone: "true" moves the days to the present time zone of their account.
    """

    template_fields: Sequence[str] = ("from_date", "to_date", "app_ids", "correct_zone")

    def __init__(
        self, *, from_date: str, to_date: str, app_ids: str, correct_zone: str = "false", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.correct_zone = correct_zone
        self.from_date = from_date
        self.to_date = to_date
        self.app_ids = app_ids

    def execute(self, context: Context) -> None:
        """Replay, and note the outcome."""
        from agora.bandwidth.replay import replay
        from agora.warehouse.stored_aggregates import refresh

        with noting_errors(context):
            refuse_unknown_keys(context)
        from_date, to_date = date.fromisoformat(self.from_date), date.fromisoformat(self.to_date)
        if from_date > to_date:
            raise AirflowFailException(f"from_date {from_date} is after to_date {to_date}: swap the two.")
        correct_zone = self.correct_zone.lower() == "true"
        with noting_errors(context), warehouse() as engine:
            if correct_zone:
                _sync_accounts(engine)
            summary = replay(
                engine,
                from_date,
                to_date,
                as_app_ids(self.app_ids),
                correct_zone=correct_zone,
            )
            refresh(engine)
        note = summary.replayed()
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if not summary.changed:
            raise AirflowSkipException(note)


def _sync_accounts(engine: Engine) -> None:
    """Carry the connections' time zones over: no run may have done so since they were corrected.

    Raises:
        SettingsError: The connection of a configured app is not usable.
    """
    from agora.warehouse import apps

    configured = configured_apps()
    with engine.begin() as connection:
        for conn_id in apps.accounts(connection):
            try:
                account = AgoraDashboardHook(conn_id).get_settings()
            except SettingsError:
                if conn_id in configured:
                    raise
                continue  # its connection was deleted with its apps: its last time zone holds
            apps.sync_account(connection, account)


class RetentionOperator(BaseOperator):
    """Drops what the variable `agora_retention` says; without it, nothing."""

    def execute(self, context: Context) -> None:
        """Drop, and say how much."""
        from agora.warehouse.retention import forget, parse_retention
        from agora.warehouse.stored_aggregates import refresh

        with noting_errors(context):
            refuse_unknown_keys(context)
            with warehouse() as engine:
                record_schedules(context, engine)
        value = Variable.get(RETENTION_VARIABLE, default=None)
        if value is None:
            raise AirflowSkipException(f"Everything is kept: the variable {RETENTION_VARIABLE} is not set.")
        with noting_errors(context):
            retention = parse_retention(value)
            with warehouse() as engine:
                answers, app_days = forget(engine, retention, datetime.now(UTC).date())
                refresh(engine)
        note = f"{format_count(answers, 'raw answer')} and {format_count(app_days, 'app-day')} dropped."
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
