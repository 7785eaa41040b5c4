"""A warehouse of the first release becomes one of this release, and gives every number that it gave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from agora.bandwidth.plan import Days
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrate import migrate
from agora.warehouse.release import SQL, this_release
from agora.warehouse.stored_figures import refresh
from embedded.postgres import Throwaway
from sandbox.testing import running_sandbox
from tests.collect.night import keys, night_of
from tests.warehouse.database import Warehouse
from tests.warehouse.figures_check import look
from tests.warehouse.released_schema import RELEASES, of_migrated, record
from tests.warehouse.releases import restored

# What 0.1.0 said of each, and the same question now. Of finished months alone: those since then go on.
SAID = {
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
COLLECTED, LAST = 50, date(2026, 10, 2)


@pytest.fixture(scope="module")
def upgraded(postgres: Throwaway) -> Iterator[Warehouse]:
    with restored(postgres, "0.1.0") as warehouse:
        assert record("0.1.0", "0001", warehouse) == (RELEASES / "0.1.0.sql").read_text("utf-8")
        migrate(warehouse.url())
        yield warehouse


def test_the_schema_is_the_recorded_one_whichever_way_it_came(
    upgraded: Warehouse, warehouse: Warehouse
) -> None:
    recorded = (RELEASES / f"{this_release()}.sql").read_text("utf-8")
    again = "The schema is another one. If it is meant to be: python -m tests.warehouse.released_schema"
    assert of_migrated(warehouse) == recorded, again
    assert of_migrated(upgraded) == recorded


@pytest.mark.parametrize("relation", SAID)
def test_every_number_that_was_given_is_given_again(upgraded: Warehouse, relation: str) -> None:
    was, now = (upgraded.rows(query) for query in SAID[relation])
    assert was
    now = [{name: value for name, value in row.items() if name in was[0]} for row in now]
    assert sorted(map(str, now)) == sorted(map(str, was))


def test_every_check_holds_however_old_the_days(upgraded: Warehouse) -> None:
    for path in sorted((SQL / "checks").glob("*.sql")):
        whole = path.read_text("utf-8").replace("interval '2 days'", "interval '100 years'")
        (row,) = upgraded.rows(whole.replace("current_date - 40", "date '2020-01-01'"))
        assert set(row.values()) == {True}, path.stem


def test_collecting_goes_on_with_what_is_missing(postgres: Throwaway) -> None:
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
        night.now = clock
        had = {key for key, state in night.states().items() if state == "collected"}
        missing = {key for key, state in night.states().items() if state in ("partial", "rejected", "failed")}
        assert (len(had), len(missing)) == (COLLECTED, 3)

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
            assert look(connection).wrong == []
