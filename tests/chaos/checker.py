"""The independent checker: compares a warehouse with the truth and with the acknowledged data.

It imports nothing from the product and reads the tables directly, with plain psycopg2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from psycopg2 import extensions

from sandbox.traffic.slots import SLOT_LABELS
from tests.chaos.truth import Points, Truth

AppDay = tuple[str, date]
KINDS = ("lost", "duplicated", "partial", "mixed", "unproven")

# The server may still be committing data from a killed collector.
ONE_SNAPSHOT = "begin isolation level repeatable read read only"
# Read the table itself, not an index: after a crash, the two may differ.
WITHOUT_INDEXES = """
set local enable_indexscan = off;
set local enable_indexonlyscan = off;
set local enable_bitmapscan = off
"""
LEDGER = """
select app.app_id, app_day.usage_date, app_day.state, app_day.points, app_day.kbps,
    encode(app_day.body_sha256, 'hex'), app_day.collected_at
from core.app_day inner join core.app using (app_key)
"""
COMMITTED = """
select app.app_id, app_day.usage_date, encode(app_day.body_sha256, 'hex'), app_day.collected_at
from core.app_day inner join core.app using (app_key)
where app_day.kbps is not null
"""
RESPONSES = """
select distinct on (response.app_id, response.usage_date, response.body_sha256)
    response.app_id, response.usage_date, encode(response.body_sha256, 'hex'), response.body
from raw.bandwidth_response as response
inner join core.app using (app_id)
inner join core.app_day as app_day
    on app_day.app_key = app.app_key
    and app_day.usage_date = response.usage_date
    and app_day.body_sha256 = response.body_sha256
"""
CORRUPT_RESPONSES = """
select app_id, usage_date from raw.bandwidth_response where sha256(body) <> body_sha256
"""


class Acknowledged(NamedTuple):
    """An app-day acknowledged by a committed load: the digest and time of the response with its points."""

    body_sha256: str
    collected_at: datetime


class Entry(NamedTuple):
    """One row of the ledger."""

    state: str
    points: int
    kbps: Points | None
    body_sha256: str | None
    collected_at: datetime | None


@dataclass
class Findings:
    """Findings by kind, with examples.

    - lost: an acknowledged app-day is missing, or an older response has replaced it.
    - duplicated: an app-day is stored more than once.
    - partial: an app-day has fewer points than its response.
    - mixed: the points are not from one response, or not from the app, day and response in the ledger.
    - unproven: no raw response has the ledger's digest, or its bytes do not match the digest.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, app_day: AppDay, what: str) -> None:
        """Add one finding."""
        self.counts[kind] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{kind}: {app_day[0]} {app_day[1]}: {what}")

    def merge(self, other: Findings) -> None:
        """Add the findings of another check."""
        self.counts.update(other.counts)
        self.examples = [*self.examples, *other.examples][:10]


def check(
    connection: extensions.connection, truth: Truth, acknowledged: Mapping[AppDay, Acknowledged]
) -> Findings:
    """Compare everything stored with everything served and acknowledged."""
    findings = Findings()
    ledger: dict[AppDay, Entry] = {}
    with connection.cursor() as cursor:
        cursor.execute(ONE_SNAPSHOT)
        cursor.execute(WITHOUT_INDEXES)
        cursor.execute(LEDGER)
        for app_id, usage_date, *fields in cursor.fetchall():
            if (app_id, usage_date) in ledger:
                findings.add("duplicated", (app_id, usage_date), "two rows")
            ledger[app_id, usage_date] = Entry(*fields)
        cursor.execute(RESPONSES)
        responses = {(app_id, day, digest): bytes(body) for app_id, day, digest, body in cursor.fetchall()}
        cursor.execute(CORRUPT_RESPONSES)
        for app_day in cursor.fetchall():
            findings.add("unproven", app_day, "the bytes of a raw response do not match its digest")
        cursor.execute("commit")
    for app_day, latest in acknowledged.items():
        _compare_with_acknowledged(app_day, latest, ledger.get(app_day), findings)
    for app_day, entry in ledger.items():
        if entry.kbps is not None:
            response = responses.get((*app_day, str(entry.body_sha256)))
            _compare_with_served(app_day, entry, response, truth, findings)
    return findings


def committed(connection: extensions.connection) -> dict[AppDay, Acknowledged]:
    """Return the app-days with points that a separate connection sees, and that are therefore committed."""
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED)
        return {(row[0], row[1]): Acknowledged(*row[2:]) for row in cursor.fetchall()}


def missing(connection: extensions.connection, expected_days: set[AppDay]) -> set[AppDay]:
    """Return the expected app-days without points."""
    return expected_days - committed(connection).keys()


def _compare_with_acknowledged(
    app_day: AppDay, latest: Acknowledged, entry: Entry | None, findings: Findings
) -> None:
    if entry is None:
        findings.add("lost", app_day, "acknowledged, but there is no row")
    elif entry.kbps is None or entry.collected_at is None:
        findings.add("lost", app_day, f"acknowledged, but the state is {entry.state} without points")
    elif entry.body_sha256 != latest.body_sha256 and entry.collected_at <= latest.collected_at:
        findings.add("lost", app_day, f"acknowledged {latest.collected_at}, but an older response is stored")


def _compare_with_served(
    app_day: AppDay, entry: Entry, response: bytes | None, truth: Truth, findings: Findings
) -> None:
    versions = truth.versions(*app_day)
    if entry.kbps not in versions:
        present = sum(point is not None for point in entry.kbps or ())
        expected = sum(point is not None for point in versions[-1])
        if present < expected:
            findings.add("partial", app_day, f"{present} points where {expected} were served")
        else:
            findings.add("mixed", app_day, "points that no response had")
    elif entry.points != sum(point is not None for point in entry.kbps or ()):
        findings.add("partial", app_day, f"the ledger states {entry.points} points")
    if response is None:
        findings.add("unproven", app_day, "no raw response has the ledger's digest")
    elif _points_in(response, app_day) != entry.kbps:
        findings.add("mixed", app_day, "points that are not from the ledger's response")


def _points_in(body: bytes, app_day: AppDay) -> Points | None:
    content = json.loads(body)
    if content["date"] != app_day[1].isoformat():
        return None
    return [content["value"].get(label) for label in SLOT_LABELS]
