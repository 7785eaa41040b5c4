"""The site of the kills: a sandbox, a durable PostgreSQL, and a fresh warehouse for each episode."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from agora.bandwidth.plan import Days
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from agora.warehouse import merge_app_days, roles
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.server_checks import require_durable_server
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.chaos.checker import Acknowledged, AppDay, Findings, check, missing
from tests.chaos.collector import Load, Round
from tests.chaos.forked import Child, Report, fork
from tests.chaos.truth import Truth
from tests.support.sandbox_server import RunningSandbox, running_sandbox

APPS = 5
TEMPLATE = "chaos_template"
ROUND_SECONDS = 120.0  # generous: it takes about half a second


def durable_engine(url: str) -> Engine:
    """Return the collector's engine as the product makes it."""
    return require_durable_server(warehouse_engine(url))


class ChaosError(Exception):
    """An error of the harness or the product that does not count as a finding."""


@dataclass
class Site:
    """The state that all episodes share.

    Attributes:
        make_engine: Makes the collector's engine from a URL; the product's own, except in a negative control.
        load: The collector's loader; the product's own, except in a negative control.
        round_seconds: Duration of an undisturbed run.
    """

    sandbox: RunningSandbox
    server: Throwaway
    truth: Truth
    moments: random.Random
    make_engine: Callable[[str], Engine] = durable_engine
    load: Load = merge_app_days.load
    episodes: int = 0
    round_seconds: float = 0.0

    @property
    def days(self) -> tuple[date, date]:
        """The oldest day that the vendor serves, and yesterday."""
        health = self.sandbox.health()
        yesterday = date.fromisoformat(health["today"]) - timedelta(days=1)
        return date.fromisoformat(health["oldest_usage_date"]), yesterday

    def expected(self, first: date, last: date) -> set[AppDay]:
        """Return the app-days of all apps in a range of days."""
        every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return {(app_id, day) for app_id in self.sandbox.app_ids for day in every}


@contextmanager
def site(moments: random.Random, parameters: dict[str, str] | None = None, **fields: Any) -> Iterator[Site]:
    """Run a sandbox and a durable server within a `with` block."""
    with (
        running_sandbox(apps=APPS, seed=moments.randrange(1000), quiet=True) as sandbox,
        throwaway(parameters, durable=True) as server,
    ):
        server.create_database(TEMPLATE)
        migrate(server.url("owner", TEMPLATE))
        day = date.fromisoformat(sandbox.health()["today"]) - timedelta(days=9)
        truth = Truth(sandbox, (sandbox.app_ids[1], day, ("07:00", "07:05", "23:55")))
        ready = Site(sandbox, server, truth, moments, **fields)
        with episode(ready) as first:
            ready.round_seconds = statistics.median(first.undisturbed(reload=n > 0) for n in range(3))
        yield ready


@dataclass
class Episode:
    """One warehouse, from empty to complete, with several kills."""

    site: Site
    database: str
    acknowledged: dict[AppDay, Acknowledged] = field(default_factory=dict)
    acknowledgements: int = 0
    at: str = "plan"
    last: Report = field(default_factory=dict)

    def start(self, *, reload: bool = False) -> Child:
        """Start a collector.

        Args:
            reload: Request every day again, as after a restatement; otherwise only missing days.
        """
        sandbox, site, self.at = self.site.sandbox, self.site, "plan"
        account = parse_dashboard(
            "agora_dashboard",
            {
                "base_url": sandbox.base_url,
                "customer_id": sandbox.customer_id,
                "customer_certificate": sandbox.customer_certificate,
                "requests_per_second": 100_000,
            },
        )
        days = Days(*site.days, reload=True) if reload else None
        url = site.server.url("loader", self.database)
        apps = parse_apps(list(sandbox.app_ids))
        return fork(Round(account, apps, lambda: site.make_engine(url), site.load, days).run)

    def record(self, report: Report) -> None:
        """Record a collector's report."""
        self.last = report
        self.at = next((last for last in ("done", "failed") if last in report), report.get("at", self.at))
        for app_id, day, digest, at in report.get("acknowledged", ()):
            self.acknowledgements += 1
            key, latest = (app_id, date.fromisoformat(day)), Acknowledged(digest, datetime.fromisoformat(at))
            if key not in self.acknowledged or latest.collected_at > self.acknowledged[key].collected_at:
                self.acknowledged[key] = latest

    def undisturbed(self, *, reload: bool = False) -> float:
        """Run a collector to its end; return its duration in seconds.

        Raises:
            ChaosError: The collector failed or did not end.
        """
        began = time.monotonic()
        child = self.start(reload=reload)
        try:
            end = self.end_of(child, began + ROUND_SECONDS)
        finally:
            child.close()
        if "done" not in end:
            raise ChaosError(f"An undisturbed run did not succeed, its last report: {end}")
        return time.monotonic() - began

    def end_of(self, child: Child, until: float) -> Report:
        """Record a collector's reports until it ends; return the last one, `done` or `failed`.

        Raises:
            ChaosError: The collector does not end.
        """
        for report in child.reports(until):
            self.record(report)
        if not child.ended:
            raise ChaosError(f"A collector hangs; its last report: {self.last}")
        return self.last

    def check(self) -> Findings:
        """Compare the warehouse with the truth and the acknowledgements."""
        with self.site.server.connect("owner", self.database) as connection:
            return check(connection, self.site.truth, self.acknowledged)

    def gaps_after_an_undisturbed_run(self) -> set[AppDay]:
        """Let a run close the gaps; return the remaining ones."""
        # Midnight may pass meanwhile, so only days that are expected before and after the run count.
        _, yesterday = self.site.days
        self.undisturbed()
        oldest, _ = self.site.days
        with self.site.server.connect("owner", self.database) as connection:
            return missing(connection, self.site.expected(oldest, yesterday))


@contextmanager
def episode(site: Site) -> Iterator[Episode]:
    """Create a warehouse for a `with` block."""
    site.episodes += 1
    name = f"chaos_{site.episodes}"
    site.server.create_database(name, template=TEMPLATE)
    # A server that loses data would otherwise lose the privileges in the new database first.
    with site.server.connect(roles.SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute("checkpoint")
    site.truth.begin()
    try:
        yield Episode(site, name)
    finally:
        with suppress(Exception):
            site.server.drop_database(name)
