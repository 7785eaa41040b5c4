"""The three steps of a collecting run: plan, collect, publish."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.errors import CredentialsRefused, DayNotOver, SettingsError
from agora.hooks.apps import configured_apps
from agora.hooks.dashboard import AgoraDashboardHook
from agora.hooks.warehouse import warehouse
from agora.operators.batch import Batch, in_batches

# The core is imported where it is used: pandas alone would double the time it takes to parse a DAG file.
if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance

    from agora.bandwidth.plan import Days, Plan
    from agora.bandwidth.summary import Summary
    from agora.settings import DashboardSettings

BANDWIDTH = Asset("agora_bandwidth")
SUMMARY_KEY = "summary"
PROBLEM_KEY = "problem"
NOTE_KEY = "run_note"


class BandwidthPlanOperator(BaseOperator):
    """Finds the app-days that are missing and can still be had; returns them in batches.

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

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Plan every account."""
        now = datetime.now(UTC)
        try:
            plans = self._plans(self._days(), now)
        except DayNotOver as error:
            # A backfill of Airflow's own knows UTC only; the account's day may end later.
            raise (AirflowFailException if self.to_date else AirflowSkipException)(str(error)) from error
        except SettingsError as error:
            raise AirflowFailException(str(error)) from error
        note = "\n".join(filter(None, map(_plan_note, plans)))
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        batches = [batch for plan in plans for batch in _batches(plan, now)]
        if not batches and self.from_date and any(plan.refusal for plan in plans):
            raise AirflowSkipException(note)
        return [batch.to_json() for batch in batches]

    def _days(self) -> Days | None:
        from agora.bandwidth.plan import Days

        if not self.from_date:
            return None
        return Days(
            date.fromisoformat(self.from_date),
            date.fromisoformat(self.to_date or self.from_date),
            tuple(json.loads(self.app_ids) or ()),
            self.reload.lower() == "true",
        )

    def _plans(self, days: Days | None, now: datetime) -> list[Plan]:
        from agora.bandwidth.plan import plan, require_days
        from agora.warehouse.apps import retire_others
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
                mark_expired(connection, list(by_connection))
            planned = [
                asyncio.run(
                    plan(
                        account,
                        by_connection[account.conn_id],
                        engine,
                        now,
                        days,
                        configured_elsewhere=[a.app_id for a in every_app if a.conn_id != account.conn_id],
                    )
                )
                for account in accounts
            ]
        return [*planned, *unusable]


class BandwidthCollectOperator(BaseOperator):
    """Collects one batch: loads everything sound, then fails if anything was not, naming it.

    Args:
        batch: What the planning task returned for it.
    """

    def __init__(self, *, batch: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch = batch

    def execute(self, context: Context) -> None:
        """Collect; an app's failure is not tried again here (it was, request by request), a crash is."""
        batch = Batch(**self.batch)
        if batch.unusable:
            raise AirflowFailException(batch.unusable)
        try:
            summary = asyncio.run(self._collect(batch))
        except CredentialsRefused as error:
            context["ti"].xcom_push(PROBLEM_KEY, str(error))
            raise AirflowFailException(str(error)) from error
        context["ti"].xcom_push(SUMMARY_KEY, summary.to_json())
        self.log.info("%s", summary.text())
        if summary.failures:
            raise AirflowFailException(summary.failed())

    async def _collect(self, batch: Batch) -> Summary:
        from agora.bandwidth.collect import collect
        from agora.vendor.dashboard import DashboardClient
        from agora.warehouse.wanted import not_collected_since

        settings = AgoraDashboardHook(batch.conn_id).get_settings()
        with warehouse() as engine:
            with engine.connect() as connection:
                asked = not_collected_since(
                    connection, batch.app_days(), datetime.fromisoformat(batch.planned_at)
                )
            async with DashboardClient(settings) as client:
                return await collect(asked, client, engine)


class BandwidthPublishOperator(BaseOperator):
    """Says what the run did: an event of the asset `agora_bandwidth` with counts, and a note on the run.

    Where nothing was loaded, or a check failed, it ends as skipped, so that the asset's consumers are not
    woken for nothing or by figures that contradict each other.

    Args:
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_ids: The tasks that check what was loaded.
    """

    def __init__(
        self, *, plan_task_id: str, collect_task_id: str, check_task_ids: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(outlets=[BANDWIDTH], **kwargs)
        self.plan_task_id = plan_task_id
        self.collect_task_id = collect_task_id
        self.check_task_ids = check_task_ids

    def execute(self, context: Context) -> None:
        """Add the batches' counts up and publish them."""
        from agora.warehouse.wanted import landed

        ti = context["ti"]
        batches = [Batch(**batch) for batch in ti.xcom_pull(task_ids=self.plan_task_id) or []]
        app_days = [app_day for batch in batches for app_day in batch.app_days()]
        with warehouse() as engine, engine.connect() as connection:
            came_to = landed(connection, app_days, context["dag_run"].start_date or datetime.now(UTC))
        # Counts are the warehouse's: they hold whatever became of the tasks.
        total = self._said_by_tasks(ti)
        total.states, total.changed, total.points = came_to
        planned = ti.xcom_pull(task_ids=self.plan_task_id, key=NOTE_KEY) or "Planning failed; see its log."
        failed_checks = self._failed_checks(ti)
        problems = [*self._pulled(ti, PROBLEM_KEY), *filter(None, [failed_checks])]
        note = "\n".join([*problems, *([total.text()] if app_days else []), planned])
        ti.xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        if failed_checks:
            raise AirflowSkipException(f"no event of the asset agora_bandwidth: {failed_checks}")
        if not total.changed:
            raise AirflowSkipException("nothing new was loaded, so no event of the asset agora_bandwidth")
        context["outlet_events"][BANDWIDTH].extra = {
            "app_days": total.changed,
            "points": total.points,
            "states": {**total.states},
            "failed_apps": [*sorted(total.failures)],
        }

    def _failed_checks(self, ti: RuntimeTaskInstance) -> str:
        """Name the checks that failed; empty where none did."""
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[*self.check_task_ids], run_ids=[ti.run_id]
        ).get(ti.run_id, {})
        failed = sorted(task_id.rpartition(".")[2] for task_id, state in states.items() if state == "failed")
        return f"The stored data contradict themselves, see the failed {', '.join(failed)}." if failed else ""

    def _said_by_tasks(self, ti: RuntimeTaskInstance) -> Summary:
        """Add up what only the collecting tasks know: requests, 429s, reasons."""
        from agora.bandwidth.summary import Summary

        total = Summary()
        for values in self._pulled(ti, SUMMARY_KEY):
            total.add(Summary.from_json(values))
        return total

    def _pulled(self, ti: RuntimeTaskInstance, key: str) -> list[Any]:
        # A list of task ids, because with one id and one batch the value would come bare.
        values = ti.xcom_pull(task_ids=[self.collect_task_id], key=key) or []
        return [value for value in values if value]


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


def _batches(plan: Plan, planned_at: datetime) -> list[Batch]:
    if plan.unusable:
        label = f"{plan.conn_id}, not usable"
        return [Batch(plan.conn_id, label, {}, planned_at.isoformat(), unusable=plan.unusable)]
    return list(
        in_batches(
            plan.conn_id,
            plan.app_days,
            planned_at=planned_at,
            requests_per_second=AgoraDashboardHook(plan.conn_id).get_settings().requests_per_second,
        )
    )


def _plan_note(plan: Plan) -> str:
    if plan.unusable:
        return plan.unusable
    asked = f"{plan.conn_id}: {len(plan.app_days):,} app-days to ask for"
    if plan.refusal:
        return f"{asked}; {len(plan.lost):,} of those wanted are lost, {plan.refusal}."
    return f"{asked}." if plan.app_days else f"{plan.conn_id}: nothing is missing."


def own_day_of_backfill() -> str:
    """Return the template of a backfill run's own day, which is empty in every other run."""
    return "{{ data_interval_start | ds if dag_run.run_type == 'backfill' else '' }}"
