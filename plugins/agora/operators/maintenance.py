"""Operators that decode stored responses again, and delete data that is older than its retention period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable

from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.params import as_date, as_list, refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.run_outputs import RESULT_KEY
from agora.dag_support.variables import configured_apps
from agora.date_checks import require_order
from agora.errors import SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.text import format_count

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

RETENTION_VARIABLE = "agora_retention"


class BandwidthReplayOperator(BaseOperator):
    """Decode the stored responses for the given days again.

    Args:
        from_date: First usage date in ISO format. Empty: the oldest day in the vendor window.
        to_date: Last usage date, inclusive. Empty: yesterday.
        app_ids: JSON list of App IDs or names. Removed apps can be listed, too. Empty or null: all apps.
        correct_zone: "true" moves the days to the current time zone of their vendor account.
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
        """Replay the days and note the outcome."""
        from agora.bandwidth.replay import replay
        from agora.settings.apps import find_apps
        from agora.warehouse import apps
        from agora.warehouse.stored_aggregates import refresh

        from_date, to_date = as_date(self.from_date), as_date(self.to_date)
        correct_zone = self.correct_zone.lower() == "true"
        with noting_errors(context), warehouse() as engine:
            refuse_unknown_keys(context)
            if correct_zone:
                _sync_accounts(engine)
            with engine.connect() as connection:
                app_ids = find_apps(map(str, as_list("app_ids", self.app_ids)), apps.names(connection))
                oldest, newest = apps.available_days(connection)
            require_order(from_date or oldest, to_date)
            result = replay(
                engine, from_date or oldest, to_date or newest, app_ids, correct_zone=correct_zone
            )
            refresh(engine)
        result.app_days = result.requested
        context["ti"].xcom_push(RESULT_KEY, result.to_json())
        note(context, result.replayed())
        self.log.info("%s", result.replayed())


def _sync_accounts(engine: Engine) -> None:
    """Copy the connections' time zones to the warehouse, in case no run has done so since a change.

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
                continue  # the connection was deleted with its apps, so keep its last time zone
            apps.sync_account(connection, account)


class RetentionOperator(BaseOperator):
    """Delete the data that the variable `agora_retention` selects. Without the variable, delete nothing."""

    def execute(self, context: Context) -> None:
        """Delete old data and note how much was deleted."""
        from agora.warehouse.retention import delete_older_than, parse_retention
        from agora.warehouse.stored_aggregates import refresh

        with noting_errors(context):
            refuse_unknown_keys(context)
            with warehouse() as engine:
                record_schedules(context, engine)
        value = Variable.get(RETENTION_VARIABLE, default=None)
        text = f"Nothing was deleted: the variable {RETENTION_VARIABLE} is not set."
        if value is not None:
            with noting_errors(context), warehouse() as engine:
                retention = parse_retention(value)
                answers, app_days = delete_older_than(engine, retention, datetime.now(UTC).date())
                refresh(engine)
            text = f"Deleted {format_count(answers, 'raw response')} and {format_count(app_days, 'app-day')}."
        note(context, text)
        self.log.info("%s", text)
