"""The product's own collecting run in a child process, which reports its steps and the committed app-days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import psycopg2
from psycopg2 import extensions
from sqlalchemy import Connection, Engine

from agora.bandwidth import fetch
from agora.bandwidth.collect import collect
from agora.bandwidth.plan import Days, Plan, plan
from agora.client.dashboard import DashboardClient
from agora.settings.apps import AppSettings
from agora.settings.connections import DashboardSettings
from agora.warehouse import apps, merge_app_days, raw_responses
from agora.warehouse.db_errors import explaining_db_errors
from tests.chaos.forked import Reports

Load = Callable[[Connection, pd.DataFrame, str], int]


def planned(
    engine: Engine, account: DashboardSettings, configured: Sequence[AppSettings], days: Days | None = None
) -> Plan:
    """Write the configuration to the warehouse and plan, as the first task of a run does."""
    with engine.begin() as connection:
        apps.retire(connection, [app.app_id for app in configured], "chaos")
        apps.sync(connection, account, configured)
    with engine.connect() as connection:
        app_ids = [app.app_id for app in configured]
        return plan(connection, account, app_ids, account.today(datetime.now(UTC)), days)


@dataclass(frozen=True)
class Round:
    """One collecting run in a child process.

    Attributes:
        make_engine: Creates the engine; called in the child.
        load: Loads a batch into the warehouse; the product's own, except in a negative control.
        days: Days to collect again; None for the missing days.
    """

    account: DashboardSettings
    apps: list[AppSettings]
    make_engine: Callable[[], Engine]
    load: Load = merge_app_days.load
    days: Days | None = None

    def run(self, reports: Reports) -> None:
        """Plan and collect, as a nightly run does."""
        fetch.CHUNK_SECONDS, fetch.CHUNK_APP_DAYS = 0.05, 25  # many commits, so that kills hit them
        engine = self.make_engine()
        _report_commits(reports)
        _mark_steps(reports, self.load)
        reports.send(at="plan")
        with explaining_db_errors("the throw-away warehouse"):
            asyncio.run(self._run(engine, reports))
        engine.dispose()

    async def _run(self, engine: Engine, reports: Reports) -> None:
        requested = planned(engine, self.account, self.apps, self.days).app_days
        reports.send(at="fetch")
        async with DashboardClient(self.account) as client:
            await collect(requested, client, engine)


class _Reporting(extensions.connection):
    """A connection that reports loaded app-days only after their COMMIT has returned."""

    reports: Reports

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.loaded: list[tuple[str, str, str, str]] = []

    def commit(self) -> None:
        loaded, self.loaded = self.loaded, []
        if loaded:
            self.reports.send(at="commit")
        super().commit()
        if loaded:
            self.reports.send(at="fetch", acknowledged=loaded)

    def rollback(self) -> None:
        super().rollback()
        self.loaded = []


def _report_commits(reports: Reports) -> None:
    class Ours(_Reporting):
        pass

    Ours.reports = reports

    psycopg2.connect = partial(psycopg2.connect, connection_factory=Ours)  # in this child only


def _mark_steps(reports: Reports, load: Load) -> None:
    store = raw_responses.store

    def marked_store(connection: Connection, responses: Any) -> None:
        reports.send(at="raw")
        store(connection, responses)

    def marked_load(connection: Connection, batch: pd.DataFrame, conn_id: str) -> int:
        reports.send(at="load")
        changed = load(connection, batch, conn_id)
        ours: Any = connection.connection.dbapi_connection
        ours.loaded = [
            (app_id, day.isoformat(), digest.hex(), at.isoformat())
            for (app_id, day), digest, at in zip(
                batch.index, batch["body_sha256"], batch["collected_at"], strict=True
            )
            if at is not None
        ]
        return changed

    raw_responses.store = marked_store
    merge_app_days.load = marked_load
