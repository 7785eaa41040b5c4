"""The warehouse does not respond in time: another session holds a lock, or a statement takes too long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from agora.warehouse.engine import warehouse_engine
from tests.chaos.warehouse_faults import Site, impatient, site

SLOW = """
create function public.slow() returns trigger language plpgsql as $$
begin
    perform pg_sleep(600);
    return null;
end $$;
create trigger slow before insert on core.app_day for each statement execute function public.slow();
"""


@pytest.fixture(scope="module")
def module_site() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def harmed(module_site: Site) -> Site:
    module_site.reset()
    return module_site


def test_the_product_waits_one_minute_for_a_lock_and_ten_for_a_statement(harmed: Site) -> None:
    engine = warehouse_engine(harmed.warehouse.url("loader"))
    with engine.connect() as connection:
        assert connection.execute(text("show lock_timeout")).scalar_one() == "1min"
        assert connection.execute(text("show statement_timeout")).scalar_one() == "10min"
    engine.dispose()


def test_a_lock_held_by_a_writer_leaves_raw_responses_and_the_days_for_the_next_run(harmed: Site) -> None:
    engine = impatient(harmed.warehouse.url("loader"), lock_timeout="200ms")
    with harmed.warehouse.connect() as other, other.cursor() as cursor:
        cursor.execute("begin; lock table core.app_day in exclusive mode")

        assert "waiting for a lock" in harmed.fails(engine)

        assert harmed.warehouse.rows("select * from core.app_day") == []
        (stored,) = harmed.warehouse.rows("select count(*) from raw.bandwidth_response")
        assert stored["count"] > 1, "the received responses were not stored"
    harmed.assert_the_next_run_closes_every_gap()


def test_a_lock_on_the_whole_table_ends_the_run_before_any_request(harmed: Site) -> None:
    harmed.sandbox.reset_stats()
    engine = impatient(harmed.warehouse.url("loader"), lock_timeout="200ms")
    with harmed.warehouse.connect() as other, other.cursor() as cursor:
        cursor.execute("begin; lock table core.app_day in access exclusive mode")

        assert "waiting for a lock" in harmed.fails(engine)

    assert harmed.sandbox.stats()["requests"] == 0
    harmed.assert_the_next_run_closes_every_gap()


def test_a_statement_that_takes_too_long_is_rolled_back_completely(harmed: Site) -> None:
    engine = impatient(harmed.warehouse.url("loader"), statement_timeout="500ms")
    harmed.warehouse.run(SLOW)
    try:
        assert "took too long" in harmed.fails(engine)
        assert harmed.warehouse.rows("select * from core.app_day") == []
    finally:
        harmed.warehouse.run("drop trigger slow on core.app_day; drop function public.slow")
    harmed.assert_the_next_run_closes_every_gap()
