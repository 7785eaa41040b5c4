"""The independent checker: compares a warehouse with the truth and with what was acknowledged.

It imports nothing of the product and reads the tables themselves, with plain psycopg2.
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

# The server may still be committing what a killed collector had sent.
ONE_SNAPSHOT = "begin isolation level repeatable read read only"
# The table itself, not an index of it: a crash may leave the two different.
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
ANSWERS = """
select distinct on (response.app_id, response.usage_date, response.body_sha256)
    response.app_id, response.usage_date, encode(response.body_sha256, 'hex'), response.body
from raw.bandwidth_response as response
inner join core.app using (app_id)
inner join core.app_day as app_day
    on app_day.app_key = app.app_key
    and app_day.usage_date = response.usage_date
    and app_day.body_sha256 = response.body_sha256
"""
TORN_ANSWERS = """
select app_id, usage_date from raw.bandwidth_response where sha256(body) <> body_sha256
"""


class Acknowledged(NamedTuple):
    """What a committed loading said of an app-day: the answer its points are from, and when that came."""

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
    """What is wrong, by kind, each with the app-day it is about.

    - lost: acknowledged, and not there any more, or an older answer is back;
    - duplicated: there more than once;
    - partial: fewer points than its answer had;
    - mixed: points that are not one answer's, or another app's, day's or answer's than the ledger says;
    - unproven: no raw answer with the ledger's digest, or one whose bytes have another digest.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, app_day: AppDay, what: str) -> None:
        """Note one finding."""
        self.counts[kind] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{kind}: {app_day[0]} {app_day[1]}: {what}")

    def merge(self, other: Findings) -> None:
        """Add what another check found."""
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
        cursor.execute(ANSWERS)
        answers = {(app_id, day, digest): bytes(body) for app_id, day, digest, body in cursor.fetchall()}
        cursor.execute(TORN_ANSWERS)
        for app_day in cursor.fetchall():
            findings.add("unproven", app_day, "a raw answer's bytes have another digest than it says")
        cursor.execute("commit")
    for app_day, said in acknowledged.items():
        _compare_with_acknowledged(app_day, said, ledger.get(app_day), findings)
    for app_day, entry in ledger.items():
        if entry.kbps is not None:
            answer = answers.get((*app_day, str(entry.body_sha256)))
            _compare_with_served(app_day, entry, answer, truth, findings)
    return findings


def committed(connection: extensions.connection) -> dict[AppDay, Acknowledged]:
    """Return what a connection of its own can see of points, which is committed."""
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED)
        return {(row[0], row[1]): Acknowledged(*row[2:]) for row in cursor.fetchall()}


def missing(connection: extensions.connection, wanted: set[AppDay]) -> set[AppDay]:
    """Return the wanted app-days without points: gaps that are still open."""
    return wanted - committed(connection).keys()


def _compare_with_acknowledged(
    app_day: AppDay, said: Acknowledged, entry: Entry | None, findings: Findings
) -> None:
    if entry is None:
        findings.add("lost", app_day, "acknowledged, and there is no row")
    elif entry.kbps is None or entry.collected_at is None:
        findings.add("lost", app_day, f"acknowledged, and it is {entry.state} without points")
    elif entry.body_sha256 != said.body_sha256 and entry.collected_at <= said.collected_at:
        findings.add("lost", app_day, f"acknowledged at {said.collected_at}, and an older answer is there")


def _compare_with_served(
    app_day: AppDay, entry: Entry, answer: bytes | None, truth: Truth, findings: Findings
) -> None:
    versions = truth.versions(*app_day)
    if entry.kbps not in versions:
        present = sum(point is not None for point in entry.kbps or ())
        expected = sum(point is not None for point in versions[-1])
        if present < expected:
            findings.add("partial", app_day, f"{present} points where {expected} were served")
        else:
            findings.add("mixed", app_day, "points that no answer had")
    elif entry.points != sum(point is not None for point in entry.kbps or ()):
        findings.add("partial", app_day, f"the ledger says {entry.points} points")
    if answer is None:
        findings.add("unproven", app_day, "no raw answer has the digest that the ledger says")
    elif _said(answer, app_day) != entry.kbps:
        findings.add("mixed", app_day, "points of another answer than the ledger says")


def _said(body: bytes, app_day: AppDay) -> Points | None:
    answer = json.loads(body)
    if answer["date"] != app_day[1].isoformat():
        return None
    return [answer["value"].get(label) for label in SLOT_LABELS]
