"""The first step of a collecting run: what is missing, dealt out in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from agora.errors import DayNotOver, SettingsError
from agora.hooks.apps import configured_apps
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import NOTE_KEY, noted
from agora.operators.batch import Batch, in_batches, in_turn, shares
from agora.operators.metrics import reported
from agora.operators.templated import as_list
from agora.words import things

# The core is imported where it is used: pandas alone would double the time it takes to parse a DAG file.
if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.bandwidth.plan import Days, Plan
    from agora.settings import DashboardSettings


class BandwidthPlanOperator(BaseOperator):
    """Finds the app-days that are missing and can still be had; leaves them in batches.

    Without dates, everything wanted is looked at. With dates, only those days; if all of them are outside
    the vendor's window, the task ends as skipped with the vendor's reason.

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
        now = datetime.now(UTC)
        with noted(context):
            try:
                with reported("plan"):
                    plans = self._plans(self._days(), now)
            except DayNotOver as error:
                if self.to_date:
                    raise
                # A backfill of Airflow's own knows UTC only; the account's day may end later.
                raise AirflowSkipException(str(error)) from error
        note = "\n".join(_plan_note(plan, by_name=bool(self.from_date)) for plan in plans)
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        # Airflow's own limit is for all accounts together.
        most = shares([len(plan.app_days) for plan in plans])
        batches = [*in_turn(map(_batches, plans, repeat(now), most))]
        if not batches and self.from_date and any(plan.refusal for plan in plans):
            raise AirflowSkipException(note)
        return [batch.hand_over(context["ti"], number) for number, batch in enumerate(batches)]

    def _days(self) -> Days | None:
        from agora.bandwidth.plan import Days

        if not self.from_date:
            return None
        return Days(
            date.fromisoformat(self.from_date),
            date.fromisoformat(self.to_date or self.from_date),
            tuple(as_list("app_ids", self.app_ids)),
            self.reload.lower() == "true",
        )

    def _plans(self, days: Days | None, now: datetime) -> list[Plan]:
        from agora.bandwidth.plan import plan, require_days
        from agora.warehouse.apps import accounts_of_removed, retire_others
        from agora.warehouse.lost import mark_expired

        by_connection = configured_apps()
        accounts, unusable = _accounts(by_connection)
        every_app = [app for apps in by_connection.values() for app in apps]
        if days is not None and accounts:
            newest = max(account.today(now) for account in accounts) - timedelta(days=1)
            require_days(days, every_app, newest)
        with warehouse() as engine:
            with engine.begin() as connection:
                retire_others(connection, list(by_connection), [app.app_id for app in every_app], now)
                # What an app that was removed has open can be had while its account's connection is there.
                for conn_id in accounts_of_removed(connection):
                    if conn_id not in by_connection:
                        accounts += _accounts([conn_id])[0]
                mark_expired(connection, [account.conn_id for account in accounts] + list(by_connection))
            planned = [
                asyncio.run(
                    plan(
                        account,
                        by_connection.get(account.conn_id, []),
                        engine,
                        now,
                        days,
                        configured_elsewhere=[a.app_id for a in every_app if a.conn_id != account.conn_id],
                    )
                )
                for account in accounts
            ]
        return [*planned, *unusable]


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
    if plan.unusable:
        return plan.unusable
    asked = f"{plan.conn_id}: {things(len(plan.app_days), 'app-day')} to ask for"
    again = sum(app_day.state == "collected" for app_day in plan.app_days)
    if again:
        asked += f", {again:,} of them once more"
    if plan.left and by_name:
        # The same days asked for once more would begin with the same ones where complete days are reloaded.
        asked += (
            f", up to {plan.app_days[-1].usage_date}: ask again from there for the {plan.left:,} left,"
            " because this run would not get to them in time"
        )
    elif plan.left:
        asked += f", {plan.left:,} left for another run, because this one would not get to them in time"
    if plan.refusal:
        return f"{asked}; {len(plan.lost):,} of those wanted are lost, {plan.refusal}."
    return f"{asked}." if plan.app_days else f"{plan.conn_id}: nothing is missing."


def own_day_of_backfill() -> str:
    """Return the template of a backfill run's own day, which is empty in every other run."""
    return "{{ data_interval_start | ds if dag_run.run_type == 'backfill' else '' }}"
