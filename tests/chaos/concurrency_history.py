"""The history of each app-day, version by version, and its consistency with the rest of the warehouse."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.chaos.concurrency_answers import AppDay, Delivery
from tests.chaos.concurrency_model import NOT_JSON, Restatement, Row, Version, expected_restatements
from tests.warehouse.database import Warehouse

COLUMNS = (
    "app_key, usage_date, state, points, kbps, attempts, http_status, reason, starts_at, collected_at,"
    " verified_at, body_sha256"
)

# Record each version of a row in order: the row is locked while the trigger runs.
RECORD_HISTORY = """
create schema chaos;
create sequence chaos.clock;
create table chaos.history (
    moment bigint, app_key integer, usage_date date, state text, points smallint, kbps double precision [],
    attempts integer, http_status smallint, reason text, starts_at timestamptz, collected_at timestamptz,
    verified_at timestamptz, body_sha256 bytea
);
create function chaos.record_version() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into chaos.history values (
        nextval('chaos.clock'), new.app_key, new.usage_date, new.state, new.points,
        coalesce(new.kbps_int4::double precision[], new.kbps_float8), new.attempts,
        new.http_status, new.reason, new.starts_at, new.collected_at, new.verified_at, new.body_sha256
    );
    return null;
end $$;
create trigger record_version after insert or update on core.app_day
for each row execute function chaos.record_version();
grant usage on schema chaos to loader;
grant usage on sequence chaos.clock to loader;
"""


def read(warehouse: Warehouse) -> dict[AppDay, list[Version]]:
    rows = warehouse.rows(
        "select app.app_id, history.*, (select array_agg(distinct kbps) from unnest(kbps) as kbps"
        " where kbps is not null) as numbers, cardinality(array_remove(kbps, null)) as present"
        " from chaos.history inner join core.app using (app_key) order by moment"
    )
    history: dict[AppDay, list[Version]] = defaultdict(list)
    for row in rows:
        numbers = row["numbers"] or [None]
        if len(numbers) > 1 or (row["present"] or 0) != row["points"]:
            raise AssertionError(f"points from several responses in one row: {row}")
        digest = row["body_sha256"]
        stored = Row(
            state=row["state"],
            points=row["points"],
            kbps=numbers[0],
            attempts=row["attempts"],
            http_status=row["http_status"],
            reason=re.sub(f"{NOT_JSON}: [^;]*", NOT_JSON, row["reason"]),
            starts_at=row["starts_at"],
            collected_at=row["collected_at"],
            verified_at=row["verified_at"],
            digest=None if digest is None else bytes(digest),
        )
        history[row["app_id"], row["usage_date"]].append(Version(stored, row["moment"]))
    return history


def restatement_findings(warehouse: Warehouse, history: dict[AppDay, list[Version]]) -> list[str]:
    """Compare core.restatement with the restatements that the history implies."""
    found: dict[AppDay, list[Restatement]] = defaultdict(list)
    for row in warehouse.rows(
        "select app_id, usage_date, points_changed, points_added, old_collected_at, new_collected_at,"
        " old_body_sha256, new_body_sha256, old_starts_at, new_starts_at, coalesce(old_sum_kbps, 0),"
        " new_sum_kbps"
        " from core.restatement inner join core.app using (app_key) order by restated_at"
    ):
        app_id, usage_date, changed, added, old_at, new_at, old_digest, new_digest, *moved = row.values()
        found[app_id, usage_date].append(
            Restatement(changed, added, old_at, new_at, bytes(old_digest), bytes(new_digest), *moved)
        )
    return [
        f"{app_day[0]} {app_day[1]}: restatements stored {found[app_day]},"
        f" expected {expected_restatements(versions)}"
        for app_day, versions in history.items()
        if found[app_day] != expected_restatements(versions)
    ]


def outdated_rows(warehouse: Warehouse) -> list[str]:
    """Compare the table with the last recorded version of each app-day."""
    last = f"select distinct on (app_key, usage_date) {COLUMNS} from chaos.history order by 1, 2, moment desc"
    stored = f"select {COLUMNS} from core.app_day"
    rows = warehouse.rows(f"(({last}) except all {stored}) union all ({stored} except all ({last}))")
    return [f"{row['app_key']} {row['usage_date']}: the stored row was not written last" for row in rows]


def raw_findings(warehouse: Warehouse, deliveries: Iterable[Delivery]) -> list[str]:
    """Compare the stored responses with the delivered ones; each must be stored once."""
    delivered_counts = Counter((*one.app_day, one.fetched_at, one.digest) for one in deliveries)
    stored_counts = Counter(
        (row["app_id"], row["usage_date"], row["fetched_at"], bytes(row["body_sha256"]))
        for row in warehouse.rows(
            "select app_id, usage_date, fetched_at, body_sha256 from raw.bandwidth_response"
        )
    )
    return [
        f"responses stored: {stored_counts[key]}, delivered: {delivered_counts[key]}: {key}"
        for key in stored_counts | delivered_counts
        if stored_counts[key] != delivered_counts[key]
    ]
