"""Upgrading a warehouse from the first release to this one changes its figures only by rounding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agora.bandwidth.plan import Days
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.migrations.schema_version import REVISIONS, SQL, this_release
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import Throwaway
from tests.bandwidth.collect.night import keys, night_of
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse
from tests.warehouse.figures_check import compare_bills
from tests.warehouse.reference import rounded
from tests.warehouse.releases import HEAD, dump_of, dumped, recorded, restored, schema
from tests.warehouse.test_upgrade import warehouse_of_revision

# Per relation, the output of 0.1.0 and the same query today. Only finished months, because others change.
QUERIES = {
    "day_of_points": (
        "select * from released.day_of_points",
        "select app_id, usage_date, count(*)::integer as points, min(interval_start) as first,"
        " max(interval_start) as last,"
        " md5(string_agg(interval_start::text || ' ' || kbps::text, ',' order by interval_start)) as digest"
        " from mart.bandwidth_5min group by app_id, usage_date",
    ),
    **{
        view: (f"select * from released.{view}", f"select * from mart.{view} where {finished}")
        for view, finished in {
            "bandwidth_daily": "usage_date <= '2026-10-31'",
            "coverage": "usage_date <= '2026-10-31'",
            "billing_monthly": "month <= '2026-10-01'",
            "billing_monthly_total": "month <= '2026-10-01'",
        }.items()
    },
    "answer": tuple(
        f"select app_id, usage_date, fetched_at, http_status, body_sha256::text, fault from {relation}"
        for relation in ("released.answer", "raw.bandwidth_response")
    ),
}
# Figures that revision 0007 computes differently. The tests below check how.
CHANGED_FIGURES = {"expected_points", "expected_app_points", "is_final"}
COLLECTED, LAST = 50, date(2026, 10, 2)


RELEASED = [release for release, revision in REVISIONS.items() if revision != HEAD]
OURS = "('raw', 'core')"
TABLES = f"""
select table_schema, table_name, column_name, data_type, udt_name, is_nullable,
    column_default, is_identity, is_generated, generation_expression
from information_schema.columns inner join information_schema.tables using (table_schema, table_name)
where table_type = 'BASE TABLE' and table_schema in {OURS}
order by table_schema, table_name, ordinal_position
"""
CONSTRAINTS = f"""
select conrelid::regclass::text as name, conname, pg_get_constraintdef(oid) as definition
from pg_constraint where connamespace::regnamespace::text in {OURS} order by 1, 2
"""
INDEXES = f"select schemaname, indexname, indexdef from pg_indexes where schemaname in {OURS} order by 1, 2"
COMMENTS = f"""
select pg_class.oid::regclass::text as name, attname, description
from pg_description
inner join pg_class on objoid = pg_class.oid and classoid = 'pg_class'::regclass
left join pg_attribute on attrelid = pg_class.oid and attnum = objsubid
where relnamespace::regnamespace::text in {OURS} and relkind = 'r' order by 1, 2
"""
RIGHTS = f"""
select oid::regclass::text as name, relacl::text, reloptions
from pg_class where relnamespace::regnamespace::text in {OURS} and relkind = 'r' order by 1
"""


@pytest.fixture(scope="module")
def upgraded(postgres: Throwaway) -> Iterator[Warehouse]:
    with restored(postgres, "0.1.0") as warehouse:
        migrate(warehouse.url())
        yield warehouse


def test_an_upgraded_schema_equals_a_new_one_and_the_release_is_recorded(
    upgraded: Warehouse, warehouse: Warehouse
) -> None:
    assert schema(upgraded) == schema(warehouse)
    assert dump_of(this_release()).exists(), "Record the release: python -m tests.warehouse.releases"
    # The schema of an unreleased revision is not recorded yet.
    if REVISIONS[this_release()] == HEAD:
        hint = "The schema differs. If that is intended, record it: python -m tests.warehouse.releases"
        assert dumped(warehouse, HEAD) == recorded(this_release()), hint


@pytest.mark.parametrize("release", RELEASED)
def test_a_released_schema_equals_its_migrations_and_upgrades_to_the_current_schema(
    postgres: Throwaway, warehouse: Warehouse, release: str
) -> None:
    """Recorded schemas and released migrations never change."""
    with (
        restored(postgres, release) as released,
        warehouse_of_revision(postgres, REVISIONS[release]) as migrated,
    ):
        for query in (TABLES, CONSTRAINTS, INDEXES, COMMENTS, RIGHTS):
            assert released.rows(query) == migrated.rows(query) != []
        migrate(released.url())
        assert schema(released) == schema(warehouse)


def sorted_rows(rows: list[dict[str, Any]], names: Iterable[str]) -> list[tuple[Any, ...]]:
    return sorted((tuple(_rounded(row[name]) for name in names) for row in rows), key=str)


def _rounded(value: Any) -> Any:
    """Round figures, which revision 0010 rounds. Volumes are whole."""
    return rounded(float(value)) if isinstance(value, float | Decimal) else value


@pytest.mark.parametrize("relation", QUERIES)
def test_every_released_figure_is_unchanged(upgraded: Warehouse, relation: str) -> None:
    was, now = (upgraded.rows(query) for query in QUERIES[relation])
    names = was[0].keys() - CHANGED_FIGURES
    if "points" in names:
        # The tests below check which days and months without points are expected.
        was, now = ([row for row in rows if row["points"]] for rows in (was, now))
    assert was
    assert sorted_rows(now, names) == sorted_rows(was, names)


def test_exactly_the_days_that_were_available_are_expected(upgraded: Warehouse) -> None:
    """Three days that were lost before collection began are gone. Other days have been lost since then."""
    was, now = (
        {(row["app_id"], row["usage_date"]): row for row in upgraded.rows(query)}
        for query in QUERIES["coverage"]
    )
    gone = {key: row for key, row in was.items() if row["state"] == "lost"}
    assert {day for _, day in gone} == {date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2)}
    assert now.keys() == was.keys() - gone.keys()
    (today,) = upgraded.rows("select mart.clock()::date as today")
    for key, row in now.items():
        is_over = row["expires_on"] + timedelta(days=2) < today["today"] and not row["points"]
        assert row["state"] == ("lost" if is_over else was[key]["state"])
        assert row["expires_on"] == was[key]["expires_on"]
        assert row["attempts"] == was[key]["attempts"]


def test_a_month_is_final_only_if_every_day_was_expected(upgraded: Warehouse) -> None:
    was, now = (
        {(row["app_id"], row["month"]): row for row in upgraded.rows(query)}
        for query in QUERIES["billing_monthly"]
    )
    assert [key for key, row in was.items() if row["is_final"]], (
        "0.1.0 called a month with two days final, for example"
    )
    assert {row["status"] for row in now.values()} == {"incomplete", "part of the month"}
    for row in now.values():
        is_incomplete = row["points"] < row["expected_points"]
        assert row["status"] == ("incomplete" if is_incomplete else "part of the month")
    for key, row in now.items():
        assert not row["is_final"]
        # Two of the three lost days were in September.
        lost = 2 * 288 if key[1] == date(2026, 9, 1) and was[key]["expected_points"] == 8640 else 0
        assert row["expected_points"] == was[key]["expected_points"] - lost


def test_every_check_holds_for_days_of_any_age(upgraded: Warehouse) -> None:
    for path in sorted((SQL / "checks").glob("*.sql")):
        whole = path.read_text("utf-8").replace("interval '2 days'", "interval '100 years'")
        (row,) = upgraded.rows(whole.replace("current_date - 40", "date '2020-01-01'"))
        assert set(row.values()) == {True}, path.stem


def test_collection_continues_with_the_missing_days(
    postgres: Throwaway, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = datetime(2026, 10, 3, 4, tzinfo=UTC)
    with (
        restored(postgres, "0.1.0") as warehouse,
        running_sandbox(apps=4, seed=7, clock=clock, quiet=True) as sandbox,
    ):
        migrate(warehouse.url())
        first_days = {
            row["app_id"]: row["first"]
            for row in warehouse.rows("select app_id, lower(wanted) as first from core.app")
        }
        night = night_of(
            sandbox,
            warehouse,
            [{"app_id": app_id, "collect_from": str(first_days[app_id])} for app_id in sandbox.app_ids[:3]],
        )
        monkeypatch.setattr(night, "now", lambda: clock)
        warehouse.run(
            "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
            f" begin atomic select timestamptz '{clock}'; end"
        )
        collected = {key for key, state in night.states().items() if state == "collected"}
        missing = {key for key, state in night.states().items() if state in ("partial", "rejected", "failed")}
        assert (len(collected), len(missing)) == (COLLECTED, 3)

        planned, summary = night.run(Days(date(2026, 9, 29), LAST, [sandbox.app_ids[2]]))
        assert set(keys(planned.app_days)) == {(sandbox.app_ids[2], date(2026, 9, 30))}
        planned, summary = night.run(Days(date(2026, 9, 20), LAST, [sandbox.app_ids[1]]))
        assert set(keys(planned.app_days)) == {key for key in missing if key[0] == sandbox.app_ids[1]}
        assert (summary.failures, summary.states) == ({}, {"collected": 2})

        for (app_id, day), row in night.ledger().items():
            if row["state"] == "collected":
                assert row["kbps"] == sandbox.points(app_id, day)
        engine = warehouse_engine(warehouse.url("loader"))
        refresh(engine)
        engine.dispose()
        with warehouse.connect() as connection:
            assert compare_bills(connection).wrong == []
