"""Responses that many loaders bring for the same app-days: of all ages, whole, partial, restated, failed.

Every point of a day is the same number, which says whose it is: points of two answers in one row would show.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

APP_IDS = tuple(f"app-{number}" for number in "316042")  # whose order is not that of their keys
DAYS_A_ROUND = 2
FIRST_DAY = date(2020, 1, 1)
FIRST_FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = FIRST_FETCHED_AT + timedelta(hours=1)
LABELS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 5))
ZONES = {"UTC": timedelta(0), "Asia/Shanghai": timedelta(hours=8)}

SOUND, FAILED, REJECTED = "sound", "failed", "rejected"
AppDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Said:
    """What one loader brings for one app-day.

    Attributes:
        kind: SOUND, FAILED or REJECTED.
        fetched_at: When the answer was received.
        zone: The account's time zone as this loader knows it.
        version: Which of the day's numbers the vendor gives.
        withheld: How many of the 288 points it keeps back, from the end of the day.
        words: Unlike any other load's: the reason of a failure, the body of a rejected response.
    """

    app_day: AppDay
    kind: str
    fetched_at: datetime
    zone: str
    version: int
    withheld: int
    words: str

    @property
    def kbps(self) -> int:
        """The number in every point."""
        app_id, usage_date = self.app_day
        return 100 * (APP_IDS.index(app_id) + len(APP_IDS) * (usage_date - FIRST_DAY).days) + self.version

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(LABELS) - self.withheld if self.kind == SOUND else 0

    @property
    def starts_at(self) -> datetime:
        """When the day begins."""
        day = self.app_day[1]
        return datetime(day.year, day.month, day.day, tzinfo=UTC) - ZONES[self.zone]

    @property
    def body(self) -> bytes:
        """The answer's body."""
        if self.kind != SOUND:
            return self.words.encode()
        value = dict.fromkeys(LABELS[: self.points], self.kbps)
        return json.dumps({"date": self.app_day[1].isoformat(), "unit": "kbps", "value": value}).encode()

    @property
    def digest(self) -> bytes:
        """The body's digest."""
        return sha256(self.body).digest()


def app_days_of(number: int) -> list[AppDay]:
    """Return a round's own app-days, which no other round touches."""
    first = FIRST_DAY + timedelta(days=number * DAYS_A_ROUND)
    return [(app_id, first + timedelta(days=day)) for app_id in APP_IDS for day in range(DAYS_A_ROUND)]


def loads_of(chance: random.Random, number: int, loads: int) -> Iterator[list[Said]]:
    """Draw what one loader brings in one round, load by load, in no order; no app-day twice in a load."""
    for load in range(loads):
        asked = [app_day for app_day in app_days_of(number) if chance.random() < 0.9]
        chance.shuffle(asked)
        zone = chance.choices(list(ZONES), (8, 1))[0]
        words = f"load {load}:{chance.getrandbits(64):x}"
        yield [_said(chance, app_day, zone, words) for app_day in asked]


def _said(chance: random.Random, app_day: AppDay, zone: str, words: str) -> Said:
    kind = chance.choices((SOUND, FAILED, REJECTED), (3, 2, 1))[0]
    # Few moments, so that some answers are of the very same.
    fetched_at = FIRST_FETCHED_AT + timedelta(seconds=chance.randrange(40))
    withheld = chance.choices((0, 1, 5, len(LABELS)), (4, 2, 2, 1))[0]
    return Said(app_day, kind, fetched_at, zone, chance.randrange(1, 5), withheld, words)
