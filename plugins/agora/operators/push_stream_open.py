"""Operator that queries whether push-streaming is enabled for apps, or applies for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.params import chosen_apps, refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.variables import configured_apps
from agora.errors import SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from agora.push_stream.open_state import OpenStates
    from agora.settings.apps import AppSettings

APPLY, QUERY = "apply", "query"


class PushStreamOpenOperator(BaseOperator):
    """Query whether push-streaming is enabled for each app, and return App ID → enabled.

    With `apply`, the operator queries first, then applies for each app that is not enabled. False is a valid
    result, even after an application. All received states are stored in core.push_stream_state before the
    task fails with the names of the failed apps.

    Args:
        app_ids: App IDs or names from the variable `agora_apps`, or a JSON list of them. Empty or null: all
            apps.
        action: `query` (default) or `apply`.
    """

    template_fields: Sequence[str] = ("app_ids", "action")

    def __init__(self, *, app_ids: Sequence[str] | str = (), action: str = QUERY, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app_ids = app_ids
        self.action = action

    def execute(self, context: Context) -> dict[str, bool]:
        """Request the states from every account. An unusable account does not affect the others."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            if self.action not in (APPLY, QUERY):
                raise SettingsError(f"action must be {APPLY} or {QUERY}, not {self.action!r}.")
            chosen = _chosen(self.app_ids)
            with warehouse() as engine:
                record_schedules(context, engine)
                received, problems = self._request_all(chosen, engine)
        text = "\n".join([*map(str, problems), *(states.text() for states in received)])
        causes = [cause for states in received for cause in states.causes()]
        note(context, text, [*(problem.cause for problem in problems), *causes])
        self.log.info("%s", text)
        enabled = {state.app_id: state.enabled for states in received for state in states.seen}
        self.log.info("App ID → enabled: %s", enabled)
        failed = [*map(str, problems), *filter(None, (states.failed() for states in received))]
        if failed:
            # A failed task has no return value, but the received states are still useful.
            context["ti"].xcom_push("return_value", enabled)
            raise AirflowFailException("\n".join(failed))
        return enabled

    def _request_all(
        self, chosen: dict[str, list[str]], engine: Engine
    ) -> tuple[list[OpenStates], list[SettingsError]]:
        received, problems = [], []
        for conn_id, app_ids in chosen.items():
            try:
                received.append(asyncio.run(self._request(conn_id, app_ids, engine)))
            except SettingsError as error:
                problems.append(error)
        return received, problems

    async def _request(self, conn_id: str, app_ids: list[str], engine: Engine) -> OpenStates:
        from agora.bandwidth.shared_client import shared_client
        from agora.push_stream.open_state import open_states
        from agora.warehouse.apps import sync_account

        settings = AgoraDashboardHook(conn_id).get_settings()
        with engine.begin() as connection:
            sync_account(connection, settings)
        async with shared_client(settings, engine) as client:
            return await open_states(app_ids, client, engine, apply=self.action == APPLY)


def _chosen(selected: Sequence[str] | str) -> dict[str, list[str]]:
    """Return the chosen apps, or all apps that are still collected, grouped by their account's connection."""
    by_connection = configured_apps()
    app_ids = chosen_apps(selected, by_connection)
    today = datetime.now(UTC).date()
    chosen = {
        conn_id: [app.app_id for app in apps if _is_chosen(app, app_ids, today)]
        for conn_id, apps in by_connection.items()
    }
    return {conn_id: ids for conn_id, ids in chosen.items() if ids}


def _is_chosen(app: AppSettings, app_ids: list[str], today: date) -> bool:
    if app_ids:
        return app.app_id in app_ids
    return app.collect_until is None or app.collect_until >= today
