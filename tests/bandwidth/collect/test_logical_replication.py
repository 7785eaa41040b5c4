"""A subscriber to every table of the warehouse has the same data, and collection continues."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.roles import SUPERUSER
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import throwaway
from tests.bandwidth.collect.night import night_of, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

TIMEOUT_SECONDS = 60
TABLES_WITHOUT_REPLICA_IDENTITY = """
select pg_class.oid::regclass::text as name
from pg_class
left join pg_index on pg_class.oid = pg_index.indrelid and pg_index.indisprimary
where
    pg_class.relkind in ('r', 'p')
    and pg_class.relnamespace::regnamespace::text in ('raw', 'core', 'mart', 'public')
    and not (pg_class.relreplident = 'f' or (pg_class.relreplident = 'd' and pg_index.indrelid is not null))
"""
VIEWS = """
select oid::regclass::text as name from pg_class
where relnamespace::regnamespace::text = 'mart' and relkind = 'v' order by 1
"""


@pytest.fixture(scope="module")
def publisher() -> Iterator[Warehouse]:
    with throwaway({"wal_level": "logical"}) as server:
        migrate(server.url())
        warehouse = Warehouse(server, "warehouse")
        warehouse.run("create publication everything for all tables", role=SUPERUSER)
        yield warehouse


@pytest.fixture
def subscriber(publisher: Warehouse) -> Iterator[Warehouse]:
    with throwaway() as server:
        migrate(server.url())
        warehouse = Warehouse(server, "warehouse")
        warehouse.run("truncate public.warehouse_version")  # the publisher sends this row, too
        source = publisher.server
        warehouse.run(
            f"create subscription copy connection 'host={source.host} port={source.port} dbname=warehouse"
            f" user={SUPERUSER} password={source.passwords[SUPERUSER]}' publication everything",
            role=SUPERUSER,
        )
        yield warehouse
        warehouse.run("drop subscription copy", role=SUPERUSER)


def contents(warehouse: Warehouse) -> dict[str, tuple[int, str]]:
    """Return row count and digest of each view in the schema mart."""
    found = {}
    for view in warehouse.rows(VIEWS):
        (row,) = warehouse.rows(
            f"select count(*), md5(string_agg(t::text, chr(10) order by t::text)) from {view['name']} as t"
        )
        found[view["name"]] = (row["count"], row["md5"])
    return found


def assert_same_contents(publisher: Warehouse, subscriber: Warehouse) -> None:
    expected = contents(publisher)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (found := contents(subscriber)) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == expected


def test_every_table_has_a_replica_identity(publisher: Warehouse) -> None:
    assert publisher.rows(TABLES_WITHOUT_REPLICA_IDENTITY) == []


def test_a_subscriber_to_every_table_matches_the_publisher(
    publisher: Warehouse, subscriber: Warehouse
) -> None:
    engine = warehouse_engine(publisher.url("loader"))
    with running_sandbox(apps=2, quiet=True) as sandbox:
        days = window_days(sandbox)
        night = night_of(sandbox, publisher)
        night.run()
        refresh(engine)
        assert contents(publisher)["mart.bandwidth_5min"][0] == 288 * 2 * len(days)
        assert_same_contents(publisher, subscriber)

        publisher.run("update core.app_day set kbps_int4[7] = 5 where usage_date = %s", (days[-1],))
        publisher.run("delete from core.app_day where usage_date = %s", (days[-2],))
        refresh(engine)
        night.run()
        refresh(engine)
        assert_same_contents(publisher, subscriber)
        for table in ("changed_app_day", "month_p95", "day_sum", "entered_days", "restatement"):
            query = f"select * from core.{table} as t order by t::text"
            assert subscriber.rows(query) == publisher.rows(query)
    engine.dispose()
