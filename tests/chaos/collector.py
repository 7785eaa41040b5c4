"""The product's own collecting run, in a child: it marks where it is and reports what was committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from psycopg2 import extensions
from sqlalchemy import Connection, Engine, event

from agora.bandwidth import fetch
from agora.bandwidth.collect import collect
from agora.bandwidth.plan import Days, plan
from agora.settings import AppSettings, DashboardSettings
from agora.vendor.dashboard import DashboardClient
from agora.warehouse import app_days, raw_answers
from agora.warehouse.trouble import explained
from tests.chaos.forked import Reports

Load = Callable[[Connection, pd.DataFrame], int]


@dataclass(frozen=True)
class Round:
    """What a child does.

    Attributes:
        make_engine: Called in the child.
        load: What brings a batch into the warehouse; the product's own, except in a negative control.
        days: Days to collect anew; None for what is missing.
    """

    account: DashboardSettings
    apps: list[AppSettings]
    make_engine: Callable[[], Engine]
    load: Load = app_days.load
    days: Days | None = None

    def run(self, reports: Reports) -> None:
        """Plan and collect, as a night's run does."""
        fetch.CHUNK_SECONDS, fetch.CHUNK_APP_DAYS = 0.05, 25  # many commits, so that kills meet them
        engine = self.make_engine()
        _report_commits(engine, reports)
        _mark_steps(reports, self.load)
        reports.say(at="plan")
        with explained("the throw-away warehouse"):
            asyncio.run(self._run(engine, reports))
        engine.dispose()

    async def _run(self, engine: Engine, reports: Reports) -> None:
        planned = await plan(self.account, self.apps, engine, datetime.now(UTC), self.days)
        reports.say(at="fetch")
        async with DashboardClient(self.account) as client:
            await collect([day[:2] for day in planned.app_days], client, engine)


class _Reporting(extensions.connection):
    """A connection that reports loaded app-days when, and only when, their COMMIT has come back."""

    reports: Reports

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.loaded: list[tuple[str, str, str, str]] = []

    def commit(self) -> None:
        loaded, self.loaded = self.loaded, []
        if loaded:
            self.reports.say(at="commit")
        super().commit()
        if loaded:
            self.reports.say(at="fetch", acknowledged=loaded)

    def rollback(self) -> None:
        super().rollback()
        self.loaded = []


def _report_commits(engine: Engine, reports: Reports) -> None:
    class Ours(_Reporting):
        pass

    Ours.reports = reports

    @event.listens_for(engine, "do_connect")
    def _(dialect: Any, record: Any, args: Any, parameters: dict[str, Any]) -> None:
        parameters["connection_factory"] = Ours


def _mark_steps(reports: Reports, load: Load) -> None:
    keep = raw_answers.keep

    def marked_keep(connection: Connection, answers: Any) -> None:
        reports.say(at="raw")
        keep(connection, answers)

    def marked_load(connection: Connection, batch: pd.DataFrame) -> int:
        reports.say(at="load")
        changed = load(connection, batch)
        ours: Any = connection.connection.dbapi_connection
        ours.loaded = [
            (app_id, day.isoformat(), digest.hex(), at.isoformat())
            for (app_id, day), digest, at in zip(
                batch.index, batch["body_sha256"], batch["collected_at"], strict=True
            )
            if at is not None
        ]
        return changed

    raw_answers.keep = marked_keep
    app_days.load = marked_load
