"""Responses that many loaders deliver for the same app-days: complete, partial, restated, failed, of any age.

All points of a response have the same value, which identifies it. A row with points from two responses is
thus detected.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

APP_IDS = tuple(f"app-{number}" for number in "316042")  # not in the order of their keys
DAYS_PER_ROUND = 2
FIRST_DAY = date(2020, 1, 1)
FIRST_FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = FIRST_FETCHED_AT + timedelta(hours=1)
LABELS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 5))
ZONES = {"UTC": timedelta(0), "Asia/Shanghai": timedelta(hours=8)}

SOUND, FAILED, REJECTED = "sound", "failed", "rejected"
AppDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One loader's response for one app-day.

    Attributes:
        kind: SOUND, FAILED or REJECTED.
        fetched_at: The time at which the response was received.
        zone: The account's time zone, as this loader has it configured.
        version: Selects one of the day's values.
        withheld: How many of the 288 points are withheld, from the end of the day.
        text: Unique to one load: the reason of a failure, or the body of a rejected response.
    """

    app_day: AppDay
    kind: str
    fetched_at: datetime
    zone: str
    version: int
    withheld: int
    text: str

    @property
    def kbps(self) -> int:
        """The value of every point."""
        app_id, usage_date = self.app_day
        return 100 * (APP_IDS.index(app_id) + len(APP_IDS) * (usage_date - FIRST_DAY).days) + self.version

    @property
    def points(self) -> int:
        """The number of points."""
        return len(LABELS) - self.withheld if self.kind == SOUND else 0

    @property
    def starts_at(self) -> datetime:
        """The start of the day."""
        day = self.app_day[1]
        return datetime(day.year, day.month, day.day, tzinfo=UTC) - ZONES[self.zone]

    @property
    def body(self) -> bytes:
        """The response body."""
        if self.kind != SOUND:
            return self.text.encode()
        value = dict.fromkeys(LABELS[: self.points], self.kbps)
        return json.dumps({"date": self.app_day[1].isoformat(), "unit": "kbps", "value": value}).encode()

    @property
    def digest(self) -> bytes:
        """The digest of the body."""
        return sha256(self.body).digest()


def app_days_of(number: int) -> list[AppDay]:
    """Return the app-days of a round, which no other round uses."""
    first = FIRST_DAY + timedelta(days=number * DAYS_PER_ROUND)
    return [(app_id, first + timedelta(days=day)) for app_id in APP_IDS for day in range(DAYS_PER_ROUND)]


def loads_of(chance: random.Random, number: int, loads: int) -> Iterator[list[Delivery]]:
    """Draw one loader's loads for one round, in random order. No app-day occurs twice in a load."""
    for load in range(loads):
        requested = [app_day for app_day in app_days_of(number) if chance.random() < 0.9]
        chance.shuffle(requested)
        zone = chance.choices(list(ZONES), (8, 1))[0]
        text = f"load {load}:{chance.getrandbits(64):x}"
        yield [_delivery(chance, app_day, zone, text) for app_day in requested]


def _delivery(chance: random.Random, app_day: AppDay, zone: str, text: str) -> Delivery:
    kind = chance.choices((SOUND, FAILED, REJECTED), (3, 2, 1))[0]
    # Few possible times, so that some responses have the same one.
    fetched_at = FIRST_FETCHED_AT + timedelta(seconds=chance.randrange(40))
    withheld = chance.choices((0, 1, 5, len(LABELS)), (4, 2, 2, 1))[0]
    return Delivery(app_day, kind, fetched_at, zone, chance.randrange(1, 5), withheld, text)
