"""What a night's run does, without Airflow: plan, then collect, against a real sandbox and warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from agora.bandwidth.collect import collect
from agora.bandwidth.plan import Days, Plan, plan
from agora.bandwidth.shared_pace import shared_client
from agora.bandwidth.summary import Summary
from agora.settings import AppSettings, DashboardSettings, parse_apps, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from sandbox.testing import RunningSandbox
from tests.warehouse.database import Warehouse, days_between

AppDay = tuple[str, date]


@dataclass
class Night:
    """A vendor account with its apps, collected into a warehouse; settings can be replaced between runs."""

    warehouse: Warehouse
    account: DashboardSettings
    apps: list[AppSettings]
    now: datetime | None = None
    configured_elsewhere: Sequence[str] = ()

    def plan(self, days: Days | None = None) -> Plan:
        engine = warehouse_engine(self.warehouse.url("loader"))
        try:
            return asyncio.run(
                plan(
                    self.account,
                    self.apps,
                    engine,
                    self.now or datetime.now(UTC),
                    days,
                    configured_elsewhere=self.configured_elsewhere,
                )
            )
        finally:
            engine.dispose()

    def collect(self, app_days: Iterable[Sequence[Any]]) -> Summary:
        asked = [(app_day[0], app_day[1]) for app_day in app_days]

        async def main() -> Summary:
            async with shared_client(self.account, engine) as client:
                return await collect(asked, client, engine)

        engine = warehouse_engine(self.warehouse.url("loader"))
        try:
            return asyncio.run(main())
        finally:
            engine.dispose()

    def run(self, days: Days | None = None) -> tuple[Plan, Summary]:
        planned = self.plan(days)
        return planned, self.collect(planned.app_days)

    def ledger(self) -> dict[AppDay, dict[str, Any]]:
        """Return core.app_day by App ID and usage date."""
        rows = self.warehouse.rows(
            "select app_day.*, app_day.xmin::text as version, app.app_id"
            " from core.app_day inner join core.app using (app_key)"
        )
        return {(row["app_id"], row["usage_date"]): row for row in rows}

    def states(self) -> dict[AppDay, str]:
        return {key: row["state"] for key, row in self.ledger().items()}

    def raw(self, app_id: str, usage_date: date) -> list[dict[str, Any]]:
        """Return the answers kept of an app-day, in order of arrival."""
        return self.warehouse.rows(
            "select * from raw.bandwidth_response where app_id = %s and usage_date = %s"
            " order by response_key",
            (app_id, usage_date),
        )


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
    """Return the night of a sandbox's own apps, or of those given."""
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


def assert_true(night: Night, sandbox: RunningSandbox, expected: set[AppDay]) -> None:
    """Assert that exactly these app-days are collected, with exactly the sandbox's points."""
    collected = {key: row for key, row in night.ledger().items() if row["state"] == "collected"}
    assert collected.keys() == expected
    for (app_id, day), row in collected.items():
        assert row["kbps"] == sandbox.points(app_id, day), (app_id, day)
        assert row["points"] == 288
