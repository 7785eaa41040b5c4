"""Random sequences of events that can change a bill, such as loads, settings, time zones and retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from agora.bandwidth.normalise import Outcome, normalise
from agora.warehouse import app_days, merge_app_days
from tests.warehouse import traffic
from tests.warehouse.database import App, Warehouse

ZONES = ("UTC", "Asia/Shanghai", "Etc/GMT+12", "Pacific/Kiritimati")
APP_IDS = ("a", "b", "c", "d")


def days_of_interest(today: date) -> list[date]:
    """Return days around today and around two starts of a month, one of them old enough to be deleted."""
    old_turn = (today - timedelta(days=70)).replace(day=1)
    new_turn = today.replace(day=1)
    return sorted(
        {turn + timedelta(days=n) for turn in (old_turn, new_turn) for n in (-2, -1, 0, 1)}
        | {today + timedelta(days=n) for n in (-3, -2, -1, 0, 1)}
    )


class History:
    """A warehouse with a few apps that undergoes one random event after another.

    Args:
        warehouse: A migrated, empty warehouse.
        engine: The loader's engine for the warehouse.
        seed: Determines all events.
    """

    def __init__(self, warehouse: Warehouse, engine: Engine, seed: int) -> None:
        self.warehouse = warehouse
        self.engine = engine
        self.rng = np.random.default_rng(seed)
        self.days = days_of_interest(datetime.now(UTC).date())
        self.clock = datetime.now(UTC) - timedelta(days=1)
        self.events: list[tuple[int, Callable[[], None]]] = [
            (12, self.load),
            (3, self.load_and_roll_back),
            (3, self.replay),
            (2, self.configure),
            (2, self.change_expected_days),
            (1, self.move_app),
            (2, self.change_time_zone),
            (1, self.change_starts),
            (1, self.move_day),
            (2, self.delete_day),
            (1, self.apply_retention),
            (1, self.truncate),
            (1, self.change_ledger_only),
            (5, self.refresh),
            (4, self.refresh_some),
        ]

    def begin(self) -> None:
        """Add accounts and apps."""
        for zone in ZONES:
            self.warehouse.add_account(zone, conn_id=zone)
        self.warehouse.add_apps(
            App(app_id, self.days[0], None, zone) for app_id, zone in zip(APP_IDS, ZONES, strict=True)
        )

    def run_random_event(self) -> str:
        """Run a random event and return its name."""
        weights = np.array([weight for weight, _ in self.events], dtype=float)
        _, event = self.events[int(self.rng.choice(len(weights), p=weights / weights.sum()))]
        event()
        return event.__name__

    def load(self) -> None:
        """Load responses for some app-days: new, repeated, restated, with gaps, failed or rejected."""
        with self.engine.begin() as connection:
            self.load_batch(connection)

    def load_and_roll_back(self) -> None:
        """Load responses and roll the transaction back."""
        with self.engine.connect() as connection:
            self.load_batch(connection)
            connection.rollback()

    def load_batch(self, connection: Connection) -> None:
        """Load a batch in the connection's transaction."""
        self.clock += timedelta(seconds=1)
        app_ids = self.rng.permutation(APP_IDS)[: int(self.rng.integers(1, 5))]
        days = self.rng.permutation(np.array(self.days))[: int(self.rng.integers(1, 8))]
        outcomes = [self._outcome(str(app_id), day) for app_id in app_ids for day in days]
        zone = str(self.rng.choice(ZONES))
        merge_app_days.load(connection, normalise(outcomes, zone), zone)

    def _outcome(self, app_id: str, day: date) -> Outcome:
        luck = self.rng.random()
        if luck < 0.15:
            return Outcome(app_id, day, reason="at random", rejected=luck < 0.05)
        points: list[Any] = traffic.values(self.rng)
        if luck < 0.5:
            points = traffic.with_gaps(points, self.rng)
        kbps = [float("nan") if point is None else point for point in points]
        digest = sha256(repr(kbps).encode()).digest()
        return Outcome(app_id, day, kbps, http_status=200, collected_at=self.clock, body_sha256=digest)

    def replay(self) -> None:
        """Replace stored days like a replay: some with other points, some with none."""
        day = self._day()
        with self.engine.begin() as connection:
            locked = app_days.lock_stored(connection, day, APP_IDS)
            with_points = [stored for stored in locked if stored.kbps is not None][:2]
            outcomes = [
                self._outcome(stored.app_id, day)
                if self.rng.random() < 0.3
                else Outcome(stored.app_id, day, reason="decoded differently", http_status=200, rejected=True)
                for stored in with_points
            ]
            if outcomes:
                merge_app_days.replace(connection, normalise(outcomes, "UTC"))

    def configure(self) -> None:
        """Set or remove an app's collect_from and collect_until."""
        first, last = sorted((self._day(), self._day()))
        self._run(
            "update core.app set collect_from = :first, collect_until = :last where app_id = :app_id",
            first=first if self.rng.random() < 0.6 else None,
            last=last if self.rng.random() < 0.6 else None,
            app_id=self._app(),
        )

    def change_expected_days(self) -> None:
        """Change the period in which an app is expected."""
        first, last = sorted((self._day(), self._day()))
        self._run(
            "update core.app set wanted = datemultirange(daterange(:first, :last, '[]'))"
            " where app_id = :app_id",
            first=first,
            last=last if self.rng.random() < 0.5 else None,
            app_id=self._app(),
        )

    def move_app(self) -> None:
        """Move an app to another account."""
        self._run(
            "update core.app set conn_id = :zone where app_id = :app_id",
            zone=str(self.rng.choice(ZONES)),
            app_id=self._app(),
        )

    def change_time_zone(self) -> None:
        """Change an account's time zone, which can change the account's date like midnight does."""
        self._run(
            "update core.vendor_account set timezone = :zone where conn_id = :conn_id",
            zone=str(self.rng.choice(ZONES)),
            conn_id=str(self.rng.choice(ZONES)),
        )

    def change_starts(self) -> None:
        """Change the start of a date's app-days without changing their points."""
        self._run(
            "update core.app_day set starts_at = starts_at + interval '1 hour' where usage_date = :day",
            day=self._day(),
        )

    def move_day(self) -> None:
        """Move an app-day to another date, if that date is free."""
        self._run(
            "update core.app_day as moved set usage_date = :to_day,"
            " starts_at = moved.starts_at + (cast(:to_day as date) - moved.usage_date) * interval '1 day'"
            " from core.app where core.app.app_key = moved.app_key and app_id = :app_id and usage_date = :day"
            " and not exists (select from core.app_day as other"
            " where other.app_key = moved.app_key and other.usage_date = :to_day)",
            app_id=self._app(),
            day=self._day(),
            to_day=self._day(),
        )

    def change_ledger_only(self) -> None:
        """Change a ledger column that the bills do not depend on."""
        self._run("update core.app_day set attempts = attempts + 1")

    def delete_day(self) -> None:
        """Delete a row without the product, as only the owner can."""
        self.warehouse.run(
            "delete from core.app_day using core.app"
            " where core.app.app_key = app_day.app_key and app_id = %s and usage_date = %s",
            (self._app(), self._day()),
        )

    def apply_retention(self) -> None:
        """Let retention delete old app-days."""
        self._run("select core.delete_app_days(current_date - 62)")

    def truncate(self) -> None:
        """Remove all app-days."""
        self.warehouse.run("truncate core.app_day")

    def refresh(self) -> None:
        """Store the figures for all changes."""
        self._run("select core.refresh_aggregates(1000000)")

    def refresh_some(self) -> None:
        """Store the figures for some of the changes."""
        self._run("select core.refresh_aggregates(:most)", most=int(self.rng.integers(1, 6)))

    def _run(self, statement: str, **parameters: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def _day(self) -> date:
        return self.days[int(self.rng.integers(len(self.days)))]

    def _app(self) -> str:
        return str(self.rng.choice(APP_IDS))
