"""The first step of a collecting run: what is missing, dealt out in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from agora.dag_support import removed_apps
from agora.dag_support.batches import Batch, in_batches, in_turn, shares
from agora.dag_support.configured_apps import configured_apps
from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.metrics import report_counts, reported
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.dag_support.templated_lists import as_app_ids
from agora.errors import DayNotOver, SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.operators.collect import SUMMARY_KEY
from agora.text import format_count

# The core is imported where it is used: pandas alone would double the time it takes to parse a DAG file.
if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from agora.bandwidth.batch_result import BatchResult
    from agora.bandwidth.plan import Days, Plan
    from agora.settings import DashboardSettings
    from agora.warehouse.apps import RemovedApps


class BandwidthPlanOperator(BaseOperator):
    """Finds the app-days that are missing and may be available; leaves them in batches.

    Without dates, everything that is expected is planned. With dates, only those days.

    Args:
        from_date: First usage date in ISO spelling, or empty.
        to_date: Last usage date, included, or empty.
        app_ids: JSON list of App IDs; empty or null for all.
        reload: "true" asks for complete days again.
    """

    template_fields: Sequence[str] = ("from_date", "to_date", "app_ids", "reload")

    def __init__(
        self,
        *,
        from_date: str = "",
        to_date: str = "",
        app_ids: str = "[]",
        reload: str = "false",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_date = from_date
        self.to_date = to_date
        self.app_ids = app_ids
        self.reload = reload

    def execute(self, context: Context) -> list[dict[str, str]]:
        """Plan every account."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            try:
                with reported("plan"):
                    plans, gone, planned_at = self._plans(self._days(), context)
            except DayNotOver as error:
                if self.to_date:
                    raise
                # A backfill of Airflow's own knows UTC only; the account's day may end later.
                raise AirflowSkipException(str(error)) from error
        note = "\n".join(
            _plan_note(plan, by_name=bool(self.from_date)) for plan in plans if not plan.unusable
        )
        context["ti"].xcom_push(NOTE_KEY, note)
        # The task of its batch notes why an account is not usable.
        self.log.info("%s", "\n".join([*(plan.unusable for plan in plans if plan.unusable), note]))
        # Airflow's own limit is for all accounts together.
        most = shares([len(plan.app_days) for plan in plans])
        batches = [*in_turn(map(_batches, plans, repeat(planned_at), most))]
        if removed_apps.are_many(gone):
            batches.insert(0, removed_apps.failing_batch(gone, planned_at))
        else:
            context["ti"].xcom_push(removed_apps.GONE_KEY, removed_apps.note(gone))
        return [batch.hand_over(context["ti"], number) for number, batch in enumerate(batches)]

    def _days(self) -> Days | None:
        from agora.bandwidth.plan import Days

        if not self.from_date:
            return None
        return Days(
            date.fromisoformat(self.from_date),
            date.fromisoformat(self.to_date or self.from_date),
            as_app_ids(self.app_ids),
            self.reload.lower() == "true",
        )

    def _plans(self, days: Days | None, context: Context) -> tuple[list[Plan], RemovedApps, datetime]:
        from agora.bandwidth.batch_result import BatchResult
        from agora.bandwidth.plan import Plan, plan, require_days
        from agora.warehouse import apps
        from agora.warehouse.clock import ahead_of_worker

        by_connection = configured_apps()
        accounts, unusable = _accounts(by_connection)
        every_app = [app for apps in by_connection.values() for app in apps]
        summary = BatchResult()
        with warehouse() as engine:
            record_schedules(context, engine)
            with engine.begin() as connection:
                worker_now = datetime.now(UTC)
                now = worker_now + ahead_of_worker(connection, worker_now)
                if days is not None and accounts:
                    newest = max(account.today(now) for account in accounts) - timedelta(days=1)
                    require_days(days, every_app, newest)
                gone = apps.retire(connection, [app.app_id for app in every_app], context["run_id"])
                for account in accounts:
                    apps.sync(connection, account, by_connection[account.conn_id])
                # What an app that was removed lacks is available while its account's connection exists.
                for conn_id in apps.accounts_of_removed(connection):
                    if conn_id not in by_connection:
                        accounts += _accounts([conn_id])[0]
            plans = []
            for account in accounts:
                app_ids = [app.app_id for app in by_connection.get(account.conn_id, [])]
                with engine.connect() as connection:
                    planned = plan(connection, account, app_ids, account.today(now), days)
                if planned.app_days:
                    tried = asyncio.run(_tried(planned, account, engine))
                    report_counts(account.conn_id, tried)
                    self.log.info(
                        "Access check of %s: %s, received %s.",
                        account.conn_id,
                        format_count(tried.requests, "request"),
                        format_count(tried.received, "app-day"),
                    )
                    if tried.stopped:
                        planned = Plan(account.conn_id, unusable=tried.stopped)
                    else:
                        # Its batch requests a day that failed again, and counts it.
                        tried.failures, tried.kinds = {}, []
                        tried.requested, tried.at_the_edge = tried.received, 0
                    summary.add(tried)
                plans.append(planned)
        context["ti"].xcom_push(SUMMARY_KEY, {**summary.to_json(), "stopped": ""})
        return [*plans, *unusable], gone, now


async def _tried(planned: Plan, account: DashboardSettings, engine: Engine) -> BatchResult:
    from agora.bandwidth.collect import try_access
    from agora.bandwidth.shared_pace import shared_client

    async with shared_client(account, engine) as client:
        return await try_access(planned.app_days, client, engine)


def _accounts(conn_ids: Iterable[str]) -> tuple[list[DashboardSettings], list[Plan]]:
    """Read the accounts; one that is not configured right does not keep the others from being collected."""
    from agora.bandwidth.plan import Plan

    accounts, unusable = [], []
    for conn_id in conn_ids:
        try:
            accounts.append(AgoraDashboardHook(conn_id).get_settings())
        except SettingsError as error:
            unusable.append(Plan(conn_id, unusable=str(error)))
    return accounts, unusable


def _batches(plan: Plan, planned_at: datetime, most_batches: int) -> Iterator[Batch]:
    if plan.unusable:
        label = f"{plan.conn_id}, not usable"
        return iter([Batch(plan.conn_id, label, {}, planned_at.isoformat(), unusable=plan.unusable)])
    return in_batches(
        plan.conn_id,
        plan.app_days,
        planned_at=planned_at,
        requests_per_second=AgoraDashboardHook(plan.conn_id).get_settings().requests_per_second,
        most_batches=most_batches,
    )


def _plan_note(plan: Plan, *, by_name: bool) -> str:
    if not plan.app_days:
        return f"{plan.conn_id}: nothing is missing."
    note = f"{plan.conn_id}: requesting {format_count(len(plan.app_days), 'app-day')}"
    if plan.rechecks:
        note += f", {format_count(plan.rechecks, 're-check')} of settled days included"
    if plan.left and by_name:
        # The same days requested again would begin with the same ones where complete days are reloaded.
        note += (
            f", up to {plan.app_days[-1][1]}. {plan.left:,} more do not fit into the time of one run:"
            " request them from there on"
        )
    elif plan.left:
        note += f". {plan.left:,} more do not fit into the time of one run; the next run requests them"
    return f"{note}."


def own_day_of_backfill() -> str:
    """Return the template of a backfill run's own day, which is empty in every other run."""
    return "{{ data_interval_start | ds if dag_run.run_type == 'backfill' else '' }}"
