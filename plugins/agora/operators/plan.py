"""Operator that plans batches of missing app-days: the first step of a collecting run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from agora.dag_support import removed_apps
from agora.dag_support.batches import Batch, batch_limits, interleave, split_into_batches
from agora.dag_support.dag_schedules import record_schedules
from agora.dag_support.metrics import report_counts, report_duration
from agora.dag_support.params import as_date, chosen_apps, refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.run_outputs import RESULT_KEY
from agora.dag_support.variables import configured_apps, configured_contracts
from agora.errors import SettingsError
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.text import format_count

# Core modules are imported locally, because pandas alone would double the time to parse a DAG file.
if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from agora.bandwidth.batch_result import BatchResult
    from agora.bandwidth.plan import Days, Plan
    from agora.settings.apps import AppSettings
    from agora.settings.connections import DashboardSettings
    from agora.warehouse.apps import RemovedApps


class BandwidthPlanOperator(BaseOperator):
    """Find the app-days that are missing and may still be available, and push them in batches.

    Without any choice, every expected app-day is considered. Otherwise, only the chosen days are considered.

    Args:
        from_date: First usage date in ISO format. Empty: the oldest day in the vendor window.
        to_date: Last usage date, inclusive. Empty: yesterday.
        app_ids: JSON list of App IDs or names. Empty or null: all apps.
        reload: "true" requests complete days again.
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
        """Plan every account and return references to the batches."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            configured = configured_apps()
            days = self._days(configured)
            with report_duration("plan"):
                plans, removed, planned_at, unbilled = self._plans(configured, days, context)
        notes = [_plan_note(plan, by_name=days is not None) for plan in plans if not plan.unusable]
        text = "\n".join(filter(None, [*notes, unbilled]))
        note(context, text)
        # For an unusable account, the task for its batch notes the reason.
        self.log.info("%s", "\n".join([*(plan.unusable for plan in plans if plan.unusable), text]))
        # Airflow's limit on mapped tasks applies to all accounts together.
        most = batch_limits([len(plan.app_days) for plan in plans])
        batches = [*interleave(map(_batches, plans, repeat(planned_at), most))]
        if removed_apps.are_many(removed):
            batches.insert(0, removed_apps.failing_batch(removed, planned_at))
        else:
            context["ti"].xcom_push(removed_apps.REMOVED_APPS_KEY, removed_apps.note(removed))
        # Airflow skips a task that is mapped over an empty list, and a skipped task looks like a problem.
        batches = batches or [Batch("", "nothing is missing", {}, planned_at.isoformat())]
        return [batch.push(context["ti"], number) for number, batch in enumerate(batches)]

    def _days(self, configured: Mapping[str, list[AppSettings]]) -> Days | None:
        """Return the chosen days, or None if nothing is chosen."""
        from agora.bandwidth.plan import Days

        days = Days(
            as_date(self.from_date),
            as_date(self.to_date),
            tuple(chosen_apps(self.app_ids, configured)),
            self.reload.lower() == "true",
        )
        return None if days == Days() else days

    def _plans(
        self, configured: Mapping[str, list[AppSettings]], days: Days | None, context: Context
    ) -> tuple[list[Plan], RemovedApps, datetime, str]:
        """Plan every account.

        Returns:
            The plans, the removed apps, the planning time, and a text about contract problems.
        """
        from agora.bandwidth.batch_result import BatchResult

        accounts, unusable = _accounts(configured)
        checked = BatchResult()
        with warehouse() as engine:
            record_schedules(context, engine)
            now, removed, more = _sync_apps(engine, configured, accounts, days, context["run_id"])
            unbilled = _sync_contracts(engine)
            plans = [
                self._plan_account(engine, account, configured, account.today(now), days, checked)
                for account in (*accounts, *more)
            ]
        context["ti"].xcom_push(RESULT_KEY, {**checked.to_json(), "stopped": "", "stopped_by": ""})
        return [*plans, *unusable], removed, now, unbilled

    def _plan_account(
        self,
        engine: Engine,
        account: DashboardSettings,
        configured: Mapping[str, list[AppSettings]],
        today: date,
        days: Days | None,
        total: BatchResult,
    ) -> Plan:
        """Plan one account, check its access with one app-day, and add the result to the total."""
        from agora.bandwidth.plan import Plan, plan

        app_ids = [app.app_id for app in configured.get(account.conn_id, [])]
        with engine.connect() as connection:
            planned = plan(connection, account, app_ids, today, days)
        if not planned.app_days:
            return planned
        checked = asyncio.run(_check_access(planned, account, engine))
        report_counts(account.conn_id, checked)
        self.log.info(
            "Access check for %s: %s, received %s.",
            account.conn_id,
            format_count(checked.requests, "request"),
            format_count(checked.received, "app-day"),
        )
        if checked.stopped:
            planned = Plan(account.conn_id, unusable=checked.stopped, unusable_by=checked.stopped_by)
        else:
            # The batch requests and counts failed days again.
            checked.failures = {}
            checked.requested, checked.at_the_edge = checked.received, 0
        total.add(checked)
        return planned


def _sync_apps(
    engine: Engine,
    configured: Mapping[str, list[AppSettings]],
    accounts: Sequence[DashboardSettings],
    days: Days | None,
    run_id: str,
) -> tuple[datetime, RemovedApps, list[DashboardSettings]]:
    """Copy accounts and apps to the warehouse.

    Returns:
        The time according to the warehouse's clock, the apps that were removed from the configuration, and
        additional accounts that only removed apps need.

    Raises:
        SelectionInvalid: The chosen days cannot be requested.
    """
    from agora.bandwidth.plan import require_days
    from agora.bandwidth.window import oldest_day
    from agora.warehouse import apps
    from agora.warehouse.clock import clock_difference

    every_app = [app for of_account in configured.values() for app in of_account]
    with engine.begin() as connection:
        worker_now = datetime.now(UTC)
        now = worker_now + clock_difference(connection, worker_now)
        if days is not None and accounts:
            newest = max(account.today(now) for account in accounts) - timedelta(days=1)
            oldest = min(oldest_day(account.window, account.today(now)) for account in accounts)
            require_days(days, oldest, newest)
        removed = apps.retire(connection, [app.app_id for app in every_app], run_id)
        for account in accounts:
            apps.sync(connection, account, configured[account.conn_id])
        # Missing days of removed apps can be collected as long as their account's connection exists.
        unconfigured = [name for name in apps.accounts_of_removed(connection) if name not in configured]
    return now, removed, _accounts(unconfigured)[0]


def _sync_contracts(engine: Engine) -> str:
    """Copy the contracts to the warehouse. Return problems as text, so that they do not stop collection."""
    from agora.warehouse import contracts

    try:
        configured = configured_contracts()
    except SettingsError as error:
        return str(error)
    with engine.begin() as connection:
        groups = contracts.sync(connection, configured)
    return f"agora_contracts: no apps belong to these billing groups: {', '.join(groups)}." if groups else ""


async def _check_access(planned: Plan, account: DashboardSettings, engine: Engine) -> BatchResult:
    from agora.bandwidth.collect import check_access
    from agora.bandwidth.shared_client import shared_client

    async with shared_client(account, engine) as client:
        return await check_access(planned.app_days, client, engine)


def _accounts(conn_ids: Iterable[str]) -> tuple[list[DashboardSettings], list[Plan]]:
    """Read the accounts' settings. An unusable account does not affect the others."""
    from agora.bandwidth.plan import Plan

    accounts, unusable = [], []
    for conn_id in conn_ids:
        try:
            accounts.append(AgoraDashboardHook(conn_id).get_settings())
        except SettingsError as error:
            unusable.append(Plan(conn_id, unusable=str(error), unusable_by=error.cause.kind))
    return accounts, unusable


def _batches(plan: Plan, planned_at: datetime, most_batches: int) -> Iterator[Batch]:
    if plan.unusable:
        label = f"{plan.conn_id}, not usable"
        at = planned_at.isoformat()
        return iter([Batch(plan.conn_id, label, {}, at, plan.unusable, plan.unusable_by)])
    return split_into_batches(
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
        note += f", including {format_count(plan.rechecks, 're-check')} of settled days"
    if plan.left and by_name:
        # With reload, the same request would begin with the same days again.
        note += (
            f", up to {plan.app_days[-1][1]}. {plan.left:,} more do not fit into one run:"
            " request them in another run that begins on that date"
        )
    elif plan.left:
        note += f". {plan.left:,} more do not fit into one run; the next run requests them"
    return f"{note}."


def own_day_of_backfill() -> str:
    """Return a template that renders the day of a backfill run, or an empty string in any other run."""
    return "{{ data_interval_start | ds if dag_run.run_type == 'backfill' else '' }}"
