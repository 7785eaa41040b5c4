"""A warehouse on its own server, which is harmed while the product collects into it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, Engine, event

from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.errors import WarehouseError
from agora.warehouse.db_errors import explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import throwaway
from tests.bandwidth.collect.night import Night, night_of, product, window_days
from tests.chaos.checker import Acknowledged, AppDay, check, committed, missing
from tests.chaos.collector import planned
from tests.chaos.truth import Truth
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

APPS = 6
REQUESTS_PER_SECOND = 400  # so that a run takes half a second, and many commits


@dataclass
class Site:
    """The sandbox, the warehouse, and the app-days acknowledged so far."""

    night: Night
    sandbox: RunningSandbox
    acknowledged: dict[AppDay, Acknowledged] = field(default_factory=dict)

    @property
    def warehouse(self) -> Warehouse:
        return self.night.warehouse

    def run(self, engine: Engine | None = None) -> None:
        """Do what a nightly run does, and explain errors as its tasks do."""
        engine = engine or warehouse_engine(self.warehouse.url("loader"))
        try:
            with explaining_db_errors("connection agora_warehouse"):
                asyncio.run(self._plan_and_collect(engine))
        finally:
            engine.dispose()

    async def _plan_and_collect(self, engine: Engine) -> None:
        requested = planned(engine, self.night.account, self.night.apps).app_days
        async with DashboardClient(self.night.account) as client:
            await collect(requested, client, engine)

    def fails(self, engine: Engine | None = None) -> str:
        """Run, and return the message of the WarehouseError."""
        with pytest.raises(WarehouseError) as caught:
            self.run(engine)
        message = str(caught.value)
        assert "No collected data is lost" in message
        assert self.warehouse.server.passwords["loader"] not in message
        return message

    def assert_nothing_is_lost(self) -> int:
        """Compare with the served and the acknowledged data; return the number of stored app-days."""
        with self.warehouse.connect() as connection:
            findings = check(connection, Truth(self.sandbox, None), self.acknowledged)
            assert findings.counts == {}, findings.examples
            self.acknowledged = committed(connection)
        return len(self.acknowledged)

    def assert_the_next_run_closes_every_gap(self) -> None:
        self.run()
        self.assert_nothing_is_lost()
        expected = product(self.sandbox.app_ids, window_days(self.sandbox))
        with self.warehouse.connect() as connection:
            assert missing(connection, expected) == set()
        assert self.night.plan().app_days == []

    def reset(self) -> None:
        """Start again with an empty warehouse."""
        self.warehouse.run("truncate raw.bandwidth_response, core.app_day, core.restatement")
        self.acknowledged = {}


@contextmanager
def site(parameters: Mapping[str, str] | None = None) -> Iterator[Site]:
    """Run a sandbox and a durable server with a migrated, empty warehouse."""
    with throwaway(parameters, durable=True) as server, running_sandbox(apps=APPS, quiet=True) as sandbox:
        migrate(server.url())
        night = night_of(sandbox, Warehouse(server, "warehouse"), requests_per_second=REQUESTS_PER_SECOND)
        yield Site(night, sandbox)


def impatient(url: str, **timeouts: str) -> Engine:
    """Return the product's engine with shorter time-outs, because its own are too long for a test."""
    engine = warehouse_engine(url)

    @event.listens_for(engine, "begin")  # after the engine's own
    def _set(connection: Connection) -> None:
        for name, value in timeouts.items():
            connection.exec_driver_sql(f"set local {name} = '{value}'")

    return engine
