"""Whether push-streaming is enabled for apps: asked, or applied for, and kept in the warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.configured_apps import configured_apps
from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.dag_support.templated_lists import as_app_ids
from agora.errors import SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.settings import AppSettings

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from agora.push_stream.open_state import OpenStates

APPLY, QUERY = "apply", "query"


class PushStreamOpenOperator(BaseOperator):
    """Asks each app's account whether push-streaming is enabled; returns App ID → enabled.

    To apply, it asks first, and applies for those that are not enabled. False is an answer and no failure,
    after an application, too. Every answer is kept in core.push_stream_state before the task fails because of
    others, naming them.

    Args:
        app_ids: App IDs of the variable `agora_apps`, or a JSON list of them; empty or null for all.
        action: `query` (default) or `apply`.
    """

    template_fields: Sequence[str] = ("app_ids", "action")

    def __init__(self, *, app_ids: Sequence[str] | str = (), action: str = QUERY, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app_ids = app_ids
        self.action = action

    def execute(self, context: Context) -> dict[str, bool]:
        """Ask every account; one that cannot be worked with does not keep the others from being asked."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            if self.action not in (APPLY, QUERY):
                raise SettingsError(f"action is {APPLY} or {QUERY}, not {self.action!r}.")
            chosen = _chosen(as_app_ids(self.app_ids))
            with warehouse() as engine:
                record_schedules(context, engine)
                answered, problems = self._every_account(chosen, engine)
        note = "\n".join([*problems, *(states.text() for states in answered)])
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        enabled = {answer.app_id: answer.enabled for states in answered for answer in states.seen}
        self.log.info("App ID → enabled: %s", enabled)
        failed = [*problems, *filter(None, (states.failed() for states in answered))]
        if failed:
            # A task that fails returns nothing; what was answered is to be had all the same.
            context["ti"].xcom_push("return_value", enabled)
            raise AirflowFailException("\n".join(failed))
        return enabled

    def _every_account(
        self, chosen: dict[str, list[str]], engine: Engine
    ) -> tuple[list[OpenStates], list[str]]:
        answered, problems = [], []
        for conn_id, app_ids in chosen.items():
            try:
                answered.append(asyncio.run(self._ask(conn_id, app_ids, engine)))
            except SettingsError as error:
                problems.append(str(error))
        return answered, problems

    async def _ask(self, conn_id: str, app_ids: list[str], engine: Engine) -> OpenStates:
        from agora.bandwidth.shared_pace import shared_client
        from agora.push_stream.open_state import open_states
        from agora.warehouse.apps import sync_account

        settings = AgoraDashboardHook(conn_id).get_settings()
        with engine.begin() as connection:
            sync_account(connection, settings)
        async with shared_client(settings, engine) as client:
            return await open_states(app_ids, client, engine, apply=self.action == APPLY)


def _chosen(app_ids: list[str]) -> dict[str, list[str]]:
    """Return the chosen apps, or all that are still collected, by the connection that owns them."""
    by_connection = configured_apps()
    configured = {app.app_id for apps in by_connection.values() for app in apps}
    unknown = [app_id for app_id in app_ids if app_id not in configured]
    if unknown:
        raise SettingsError(
            f"The variable agora_apps does not name {', '.join(unknown)}, so it is not known which account"
            " to ask: add it there, or correct the App ID."
        )
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
