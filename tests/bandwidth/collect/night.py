"""A nightly run without Airflow: plan, then collect, with a real sandbox and warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.collect import check_access, collect
from agora.bandwidth.plan import Days, Plan, plan
from agora.bandwidth.shared_client import shared_client
from agora.client.dashboard import CONFIRMING_APPS
from agora.settings.apps import AppSettings, parse_apps
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse import apps, planning_queries
from agora.warehouse.app_days import states
from agora.warehouse.apps import RemovedApps
from agora.warehouse.engine import warehouse_engine
from tests.support.sandbox_server import RunningSandbox
from tests.warehouse.database import Warehouse, days_between

AppDay = tuple[str, date]


@dataclass
class Night:
    """A vendor account whose apps are collected into a warehouse. Settings can change between runs."""

    warehouse: Warehouse
    account: DashboardSettings
    apps: list[AppSettings]
    configured_elsewhere: Sequence[str] = ()
    planned_at: datetime | None = None
    clock_offset: timedelta = timedelta()
    removed: RemovedApps | None = None
    access_check: BatchResult | None = None

    def configure(self) -> None:
        """Write the account and its apps to the warehouse, without a request."""
        engine = warehouse_engine(self.warehouse.url("loader"))
        app_ids = [app.app_id for app in self.apps]
        try:
            with engine.begin() as connection:
                self.removed = apps.retire(connection, [*app_ids, *self.configured_elsewhere], uuid4().hex)
                apps.sync(connection, self.account, self.apps)
        finally:
            engine.dispose()

    def missing(self) -> list[AppDay]:
        """Return the app-days that a run would request, without a request."""
        self.configure()
        engine = warehouse_engine(self.warehouse.url("loader"))
        try:
            return list(sync_and_plan(engine, self.account, self.apps).app_days)
        finally:
            engine.dispose()

    def plan(self, days: Days | None = None) -> Plan:
        """Plan, and check the access with a first app-day."""
        self.configure()
        engine = warehouse_engine(self.warehouse.url("loader"))
        try:
            planned = sync_and_plan(engine, self.account, self.apps, days)
            self.access_check = asyncio.run(self._check_access(planned, engine)) if planned.app_days else None
            if self.access_check and self.access_check.stopped:
                return Plan(self.account.conn_id, unusable=self.access_check.stopped)
            return planned
        finally:
            engine.dispose()

    async def _check_access(self, planned: Plan, engine: Engine) -> BatchResult:
        async with shared_client(self.account, engine) as client:
            return await check_access(planned.app_days, client, engine, now=self.now)

    def collect(self, app_days: Iterable[Sequence[Any]]) -> BatchResult:
        planned = [(app_day[0], app_day[1]) for app_day in app_days]
        since = datetime.now(UTC)
        engine = warehouse_engine(self.warehouse.url("loader"))

        async def main() -> BatchResult:
            with engine.connect() as connection:
                done, refused = planning_queries.results(connection, planned, self.planned_at or since)
                served = planning_queries.served(connection, self.account.conn_id, most=CONFIRMING_APPS)
            async with shared_client(self.account, engine) as client:
                summary = await collect(
                    [day for day in planned if day not in done],
                    client,
                    engine,
                    witnesses=served,
                    refused_before=refused,
                    now=self.now,
                )
            with engine.connect() as connection:
                summary.states, _ = states(connection, planned, since)
            return summary

        try:
            return asyncio.run(main())
        finally:
            engine.dispose()

    def run(self, days: Days | None = None) -> tuple[Plan, BatchResult]:
        self.planned_at = datetime.now(UTC)
        planned = self.plan(days)
        summary = self.collect(planned.app_days)
        if self.access_check and not planned.unusable:
            # A day that failed in the access check was requested again, and is counted in that batch.
            self.access_check.failures, self.access_check.at_the_edge = {}, 0
            self.access_check.requested = self.access_check.received
            summary.add(self.access_check)
            summary.app_days = len(planned.app_days)
        self.planned_at = None
        return planned, summary

    def now(self) -> datetime:
        """Return the time on the worker's clock."""
        return datetime.now(UTC) + self.clock_offset

    def ledger(self) -> dict[AppDay, dict[str, Any]]:
        """Return core.app_day by App ID and usage date."""
        rows = self.warehouse.rows(
            "select app_day.*, app_day.xmin::text as version, app.app_id"
            " from core.app_day inner join core.app using (app_key)"
        )
        return {(row["app_id"], row["usage_date"]): row for row in rows}

    def coverage(self) -> dict[AppDay, dict[str, Any]]:
        """Return mart.coverage by App ID and usage date."""
        rows = self.warehouse.rows("select * from mart.coverage", role="analyst")
        return {(row["app_id"], row["usage_date"]): row for row in rows}

    def shift_clocks(self, offset: timedelta) -> None:
        """Set the clocks of the warehouse and the worker ahead of the real time by the given offset."""
        self.clock_offset = offset
        self.warehouse.run(
            "create or replace function mart.clock() returns timestamptz language sql stable"
            f" return now() + interval '{offset.total_seconds():.0f} seconds'"
        )

    def points(self) -> dict[AppDay, tuple[datetime, list[float | None] | None]]:
        """Return each app-day's start and points."""
        return {key: (row["starts_at"], row["kbps"]) for key, row in self.ledger().items()}

    def states(self) -> dict[AppDay, str]:
        return {key: row["state"] for key, row in self.ledger().items()}

    def raw(self, app_id: str, usage_date: date) -> list[dict[str, Any]]:
        """Return the stored responses for an app-day, in order of arrival."""
        return self.warehouse.rows(
            "select * from raw.bandwidth_response where app_id = %s and usage_date = %s"
            " order by response_key",
            (app_id, usage_date),
        )


def sync_and_plan(
    engine: Engine, account: DashboardSettings, configured: Sequence[AppSettings], days: Days | None = None
) -> Plan:
    """Write an account and its apps to the warehouse, then plan."""
    with engine.begin() as connection:
        apps.sync(connection, account, configured)
        now = connection.exec_driver_sql("select mart.clock()").scalar_one()
        return plan(connection, account, [app.app_id for app in configured], account.today(now), days)


def account_of(sandbox: RunningSandbox, **fields: Any) -> DashboardSettings:
    conn_id = fields.pop("conn_id", "agora_dashboard")
    given = {
        "base_url": sandbox.base_url,
        "customer_id": sandbox.customer_id,
        "customer_certificate": sandbox.customer_certificate,
        "requests_per_second": 100_000,
        **fields,
    }
    return parse_dashboard(conn_id, given)


def night_of(
    sandbox: RunningSandbox, warehouse: Warehouse, apps: list[Any] | None = None, **fields: Any
) -> Night:
    """Return a night for the given apps, or for all apps of the sandbox."""
    given = sandbox.app_ids if apps is None else apps
    return Night(warehouse, account_of(sandbox, **fields), parse_apps(list(given)) if given else [])


def window_days(sandbox: RunningSandbox) -> list[date]:
    """Return the days up to yesterday that the sandbox serves."""
    health = sandbox.health()
    return days_between(
        date.fromisoformat(health["oldest_usage_date"]),
        date.fromisoformat(health["today"]) - timedelta(days=1),
    )


def product(app_ids: Iterable[str], days: Iterable[date]) -> set[AppDay]:
    every = list(days)
    return {(app_id, day) for app_id in app_ids for day in every}


def keys(app_days: Iterable[Sequence[Any]]) -> list[AppDay]:
    return [(app_day[0], app_day[1]) for app_day in app_days]


def assert_collected(night: Night, sandbox: RunningSandbox, expected: set[AppDay]) -> None:
    """Assert that exactly the expected app-days are collected, with exactly the sandbox's points."""
    collected = {key: row for key, row in night.ledger().items() if row["state"] == "collected"}
    assert collected.keys() == expected
    for (app_id, day), row in collected.items():
        assert row["kbps"] == sandbox.points(app_id, day), (app_id, day)
        assert row["points"] == 288
