"""A test's own warehouse: URLs, connections, and helpers that query and insert data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from deploy.local.postgres_throwaway import Throwaway

Points = Sequence[float | None]

RELATIONS = """
select oid::regclass::text as name from pg_class
where relnamespace::regnamespace::text in ('raw', 'core', 'mart') and relkind in ('r', 'v') order by 1
"""
COLUMNS = (
    "app_key, usage_date, starts_at, state, points, attempts, http_status, reason, collected_at, body_sha256"
)
SINCE_0007 = ", conn_id, verified_at"
BEFORE_0012 = ", kbps"
SINCE_0012 = ", kbps_int4, kbps_float8, top_kbps, sum_kbps"
NO_POINTS = (
    "points = 0, kbps_int4 = null, kbps_float8 = null, top_kbps = null, sum_kbps = null, verified_at = null"
)
# A test that changes points directly changes their figures, too.
UPDATE_FIGURES = """
update core.app_day set
    top_kbps = (array_sort(kbps, true, false))[1:15],
    sum_kbps = (select sum(point) from unnest(kbps) as point)
where verified_at is not null
"""
BODY = b'{"date": "", "unit": "kbps", "value": {}}'
DIGEST = "\\\\x" + sha256(BODY).hexdigest()
NULL = "\\N"
BRACES = str.maketrans("[]", "{}")


@dataclass(frozen=True)
class App:
    """A configured app."""

    app_id: str
    expected_from: date
    expected_until: date | None = None
    conn_id: str = "agora_dashboard"


@dataclass(frozen=True)
class AppDay:
    """A ledger entry. `kbps` is the grid of a collected or partial day, and None for every other state."""

    app_id: str
    usage_date: date
    kbps: Points | None = None
    state: str = "failed"


@dataclass(frozen=True)
class Warehouse:
    """A database with the warehouse's schema."""

    server: Throwaway
    database: str

    def url(self, role: str = "owner") -> str:
        return self.server.url(role, self.database)

    def connect(self, role: str = "owner") -> AbstractContextManager[extensions.connection]:
        """Open an autocommit connection that is closed at the end of the `with`."""
        return self.server.connect(role, self.database)

    def run(self, statement: str, parameters: Sequence[Any] | None = None, role: str = "owner") -> None:
        with self.connect(role) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(
        self, query: str, parameters: Sequence[Any] | None = None, role: str = "owner"
    ) -> list[dict[str, Any]]:
        with (
            self.connect(role) as connection,
            connection.cursor(cursor_factory=RealDictCursor) as cursor,
        ):
            cursor.execute(query, parameters)
            return [dict(row) for row in cursor.fetchall()]

    def checksums(self) -> dict[str, tuple[int, str]]:
        """Return row count and digest of each table and view, over all columns."""
        found = {}
        for relation in self.rows(RELATIONS):
            name = relation["name"]
            (row,) = self.rows(
                f"select count(*), md5(string_agg(t::text, chr(10) order by t::text)) from {name} as t"
            )
            found[name] = (row["count"], row["md5"])
        return found

    def add_account(
        self, timezone: str = "UTC", window: str = "1 month", conn_id: str = "agora_dashboard"
    ) -> None:
        self.run(
            "insert into core.vendor_account (conn_id, timezone, window_length) values (%s, %s, %s)",
            (conn_id, timezone, window),
            "loader",
        )

    def add_apps(self, apps: Iterable[App]) -> None:
        with self.connect("loader") as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into core.app (app_id, name, conn_id, wanted)"
                " values (%s, %s, %s, datemultirange(daterange(%s, null))"
                " * datemultirange(daterange(null, %s, '[]')))",
                [
                    (*named(app.app_id).values(), app.conn_id, app.expected_from, app.expected_until)
                    for app in apps
                ],
            )

    def add_days(self, days: Iterable[AppDay]) -> None:
        """Insert ledger entries directly into the table."""
        known = self.rows(
            "select app_id, app_key, conn_id, timezone from core.app join core.vendor_account using (conn_id)"
        )
        apps = {row["app_id"]: row for row in known}
        now = datetime.now(UTC)
        known_columns = {
            row["column_name"]
            for row in self.rows(
                "select column_name from information_schema.columns where table_name = 'app_day'"
            )
        }
        columns = COLUMNS
        columns += SINCE_0007 if "conn_id" in known_columns else ""
        columns += SINCE_0012 if "sum_kbps" in known_columns else BEFORE_0012
        lines = []
        for day in days:
            app = apps[day.app_id]
            fields = _fields(day, app["app_key"], ZoneInfo(app["timezone"]), now)
            if "conn_id" in known_columns:
                fields += (app["conn_id"], fields[8])
            points = _points(day.kbps) if "sum_kbps" in known_columns else (_array(day.kbps),)
            lines.append("\t".join(map(str, fields + points)))
        with self.connect("loader") as connection, connection.cursor() as cursor:
            cursor.copy_expert(
                f"copy core.app_day ({columns}) from stdin", StringIO("\n".join(lines) + "\n" * bool(lines))
            )

    def add_raw(self, app_id: str, usage_date: date, body: bytes = BODY) -> None:
        self.run(
            "insert into raw.bandwidth_response"
            " (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
            " values (%s, %s, now(), 200, %s, %s)",
            (app_id, usage_date, body, sha256(body).digest()),
            "loader",
        )


def _fields(day: AppDay, app_key: int, zone: ZoneInfo, now: datetime) -> tuple[object, ...]:
    """Return the values of COLUMNS in COPY's text format."""
    starts_at = datetime.combine(day.usage_date, time(), zone)
    if day.kbps is None:
        fields: tuple[object, ...] = (day.state, 0, 1, NULL, f"given as {day.state}", NULL, NULL)
    else:
        points = 288 - list(day.kbps).count(None)
        state, reason = ("collected", "") if points == 288 else ("partial", f"given with {points} points")
        collected_at = min(now, max(starts_at + timedelta(hours=30), now - timedelta(days=1)))
        fields = (state, points, 1, 200, reason, collected_at.isoformat(), DIGEST)
    return (app_key, day.usage_date, starts_at.isoformat(), *fields)


def _points(kbps: Points | None) -> tuple[object, ...]:
    """Return the values of SINCE_0012."""
    if kbps is None:
        return NULL, NULL, NULL, NULL
    present = sorted((rate for rate in kbps if rate is not None), reverse=True)
    fits = all(rate == int(rate) and rate < 2**31 for rate in present)
    whole = [None if rate is None else int(rate) for rate in kbps] if fits else None
    top = [*present[:15], *[None] * (15 - len(present))]
    return _array(whole), NULL if fits else _array(kbps), _array(top), sum(present) if present else NULL


def _array(values: Points | None) -> str:
    return NULL if values is None else str(list(values)).replace("None", "null").translate(BRACES)


def days_between(first: date, last: date) -> list[date]:
    """Return the dates from first to last, inclusive."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def named(app_id: str) -> dict[str, str]:
    """Return the columns that identify an app of `add_apps`."""
    return {"app_id": app_id, "app_name": f"Name of {app_id}"}
