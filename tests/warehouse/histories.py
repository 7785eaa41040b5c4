"""Everything that happens to points and to what is wanted of them, at random, by the ways the product has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from agora.bandwidth.normalise import Outcome, normalise
from agora.warehouse import app_days
from tests.warehouse import traffic
from tests.warehouse.database import App, Warehouse

ZONES = ("UTC", "Asia/Shanghai", "Etc/GMT+12", "Pacific/Kiritimati")
APP_IDS = ("a", "b", "c", "d")


def days_of_interest(today: date) -> list[date]:
    """Return days around two turns of a month, one of them old enough to be dropped, and around today."""
    old_turn = (today - timedelta(days=70)).replace(day=1)
    new_turn = today.replace(day=1)
    return sorted(
        {turn + timedelta(days=n) for turn in (old_turn, new_turn) for n in (-2, -1, 0, 1)}
        | {today + timedelta(days=n) for n in (-3, -2, -1, 0, 1)}
    )


class History:
    """A warehouse with a few apps, to which one thing after the other happens.

    Args:
        warehouse: Migrated and empty.
        engine: To it, as the loader.
        seed: Decides everything.
    """

    def __init__(self, warehouse: Warehouse, engine: Engine, seed: int) -> None:
        self.warehouse = warehouse
        self.engine = engine
        self.rng = np.random.default_rng(seed)
        self.days = days_of_interest(datetime.now(UTC).date())
        self.clock = datetime.now(UTC) - timedelta(days=1)
        self.happenings: list[tuple[int, Callable[[], None]]] = [
            (12, self.load),
            (3, self.load_and_fail),
            (3, self.take_back),
            (2, self.configure),
            (2, self.want_otherwise),
            (1, self.move_app),
            (2, self.turn_the_clock),
            (1, self.start_elsewhere),
            (1, self.move_day),
            (2, self.delete_day),
            (1, self.forget),
            (1, self.truncate),
            (1, self.note_in_the_ledger),
            (5, self.refresh),
            (4, self.refresh_a_little),
        ]

    def begin(self) -> None:
        """Make accounts and apps."""
        for zone in ZONES:
            self.warehouse.add_account(zone, conn_id=zone)
        self.warehouse.add_apps(
            App(app_id, self.days[0], None, zone) for app_id, zone in zip(APP_IDS, ZONES, strict=True)
        )

    def happen(self) -> str:
        """Let something happen; return what."""
        weights = np.array([weight for weight, _ in self.happenings], dtype=float)
        _, happening = self.happenings[int(self.rng.choice(len(weights), p=weights / weights.sum()))]
        happening()
        return happening.__name__

    def load(self) -> None:
        """Load answers for some app-days: new, again, restated, with gaps, failed or rejected."""
        with self.engine.begin() as connection:
            self.bring(connection)

    def load_and_fail(self) -> None:
        """Load, and roll it all back."""
        with self.engine.connect() as connection:
            self.bring(connection)
            connection.rollback()

    def bring(self, connection: Connection) -> None:
        """Load a batch in the connection's transaction."""
        self.clock += timedelta(seconds=1)
        app_ids = self.rng.permutation(APP_IDS)[: int(self.rng.integers(1, 5))]
        days = self.rng.permutation(np.array(self.days))[: int(self.rng.integers(1, 8))]
        outcomes = [self._outcome(str(app_id), day) for app_id in app_ids for day in days]
        zone = str(self.rng.choice(ZONES))
        app_days.load(connection, normalise(outcomes, zone), zone)

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

    def take_back(self) -> None:
        """Replace stored days as a replay does: some with other points, some with none."""
        day = self._day()
        with self.engine.begin() as connection:
            held = [one for one in app_days.lock_stored(connection, day, APP_IDS) if one.kbps is not None][:2]
            again = [
                self._outcome(one.app_id, day)
                if self.rng.random() < 0.3
                else Outcome(one.app_id, day, reason="reads differently", http_status=200, rejected=True)
                for one in held
            ]
            if again:
                app_days.replace(connection, normalise(again, "UTC"))

    def configure(self) -> None:
        """Set or remove collect_from and collect_until of an app."""
        first, last = sorted((self._day(), self._day()))
        self._run(
            "update core.app set collect_from = :first, collect_until = :last where app_id = :app_id",
            first=first if self.rng.random() < 0.6 else None,
            last=last if self.rng.random() < 0.6 else None,
            app_id=self._app(),
        )

    def want_otherwise(self) -> None:
        """Change from when to when an app is wanted."""
        first, last = sorted((self._day(), self._day()))
        self._run(
            "update core.app set wanted = datemultirange(daterange(:first, :last, '[]'))"
            " where app_id = :app_id",
            first=first,
            last=last if self.rng.random() < 0.5 else None,
            app_id=self._app(),
        )

    def move_app(self) -> None:
        """Give an app to another account."""
        self._run(
            "update core.app set conn_id = :zone where app_id = :app_id",
            zone=str(self.rng.choice(ZONES)),
            app_id=self._app(),
        )

    def turn_the_clock(self) -> None:
        """Change an account's time zone, which makes it another day there: what midnight does."""
        self._run(
            "update core.vendor_account set timezone = :zone where conn_id = :conn_id",
            zone=str(self.rng.choice(ZONES)),
            conn_id=str(self.rng.choice(ZONES)),
        )

    def start_elsewhere(self) -> None:
        """Let days start at another instant, their points as they were."""
        self._run(
            "update core.app_day set starts_at = starts_at + interval '1 hour' where usage_date = :day",
            day=self._day(),
        )

    def move_day(self) -> None:
        """Give a day's row another date, where that is free."""
        self._run(
            "update core.app_day as moved set usage_date = :to_day"
            " from core.app where core.app.app_key = moved.app_key and app_id = :app_id and usage_date = :day"
            " and not exists (select from core.app_day as other"
            " where other.app_key = moved.app_key and other.usage_date = :to_day)",
            app_id=self._app(),
            day=self._day(),
            to_day=self._day(),
        )

    def note_in_the_ledger(self) -> None:
        """Change what the bills do not depend on."""
        self._run("update core.app_day set attempts = attempts + 1")

    def delete_day(self) -> None:
        """Delete a row past the product, as only the owner can."""
        self.warehouse.run(
            "delete from core.app_day using core.app"
            " where core.app.app_key = app_day.app_key and app_id = %s and usage_date = %s",
            (self._app(), self._day()),
        )

    def forget(self) -> None:
        """Let retention drop what is old."""
        self._run("select core.delete_app_days(current_date - 62)")

    def truncate(self) -> None:
        """Remove all points at once."""
        self.warehouse.run("truncate core.app_day")

    def refresh(self) -> None:
        """Store the figures of everything that changed."""
        self._run("select core.refresh_aggregates(1000000)")

    def refresh_a_little(self) -> None:
        """Store the figures of some of it."""
        self._run("select core.refresh_aggregates(:most)", most=int(self.rng.integers(1, 6)))

    def _run(self, statement: str, **parameters: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def _day(self) -> date:
        return self.days[int(self.rng.integers(len(self.days)))]

    def _app(self) -> str:
        return str(self.rng.choice(APP_IDS))
