"""Database defaults that would change stored or returned data if the code relied on them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from agora.bandwidth.plan import Days
from agora.bandwidth.replay import replay
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway
from tests.bandwidth.collect.night import Night, night_of, window_days
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

TASKS = 4
HOSTILE = {
    "default_transaction_isolation": ["repeatable read", "serializable"],
    "default_transaction_deferrable": ["on"],
    "extra_float_digits": ["0", "-15"],
    "array_nulls": ["off"],
    "client_encoding": ["LATIN1", "SQL_ASCII"],
    "idle_session_timeout": ["1s"],
    "idle_in_transaction_session_timeout": ["1ms"],
    "transaction_timeout": ["200ms"],
    "statement_timeout": ["200ms"],
    "lock_timeout": ["1ms"],
    "datestyle": ["German, DMY", "SQL, DMY"],
    "intervalstyle": ["iso_8601", "sql_standard"],
    "bytea_output": ["escape"],
    "standard_conforming_strings": ["off"],
    "transform_null_equals": ["on"],
    "timezone": ["Asia/Kathmandu"],
    "search_path": ["", "nowhere"],
    "xmloption": ["document"],
    "quote_all_identifiers": ["on"],
    "check_function_bodies": ["off"],
    "createrole_self_grant": ["set, inherit"],
}
BILLS = "select row_to_json(bill)::text as bill from mart.billing_monthly as bill order by app_id, month"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=8, quiet=True) as running:
        yield running


def migrated_warehouse(postgres: Throwaway, defaults: dict[str, str]) -> Warehouse:
    """Return a warehouse that was migrated with these database defaults."""
    warehouse = Warehouse(postgres, f"warehouse_{uuid4().hex}")
    postgres.create_database(warehouse.database)
    for name, value in defaults.items():
        warehouse.run(f"alter database {warehouse.database} set {name} = '{value}'", role="postgres")
    migrate(warehouse.url())
    return warehouse


def collect(night: Night, days: Days) -> None:
    """Collect in several threads, like several tasks."""
    planned = night.plan(days).app_days
    with ThreadPoolExecutor(TASKS) as tasks:
        for summary in tasks.map(night.collect, [planned[number::TASKS] for number in range(TASKS)]):
            assert not summary.failures, summary.failures


def collect_and_read(
    postgres: Throwaway, sandbox: RunningSandbox, defaults: dict[str, str]
) -> tuple[Any, ...]:
    """Return the points, states and bills, after a replay that changes nothing."""
    warehouse = migrated_warehouse(postgres, defaults)
    try:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-4:]
        collect(night, Days(days[0], days[-1]))
        engine = warehouse_engine(warehouse.url("loader"))
        try:
            replayed = replay(engine, days[0], days[-1], ())
        finally:
            engine.dispose()
        for name in defaults:
            warehouse.run(f"alter database {warehouse.database} reset {name}", role="postgres")
        assert (replayed.received, replayed.changed) == (32, 0)
        return night.points(), night.states(), warehouse.rows(BILLS)
    finally:
        postgres.drop_database(warehouse.database)


@pytest.fixture(scope="module")
def expected(postgres: Throwaway, sandbox: RunningSandbox) -> tuple[Any, ...]:
    return collect_and_read(postgres, sandbox, {})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in HOSTILE for value in HOSTILE[name]])
def test_a_database_default_changes_nothing(
    postgres: Throwaway, sandbox: RunningSandbox, expected: tuple[Any, ...], name: str, value: str
) -> None:
    assert collect_and_read(postgres, sandbox, {name: value}) == expected
