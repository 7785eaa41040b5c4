"""Fixtures for every room: one throw-away PostgreSQL a session, one freshly migrated warehouse a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from xdist.remote import Producer

from agora.warehouse.migrate import migrate
from embedded.postgres import Throwaway, throwaway
from tests.environment import forget_the_caller
from tests.midnight import A_FILE, count_from_today, let_midnight_pass
from tests.sharing import Sharing
from tests.warehouse.database import Warehouse

# Before a test or a fixture reads anything, here and in each process of several.
forget_the_caller()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


@pytest.fixture(scope="module", autouse=True)
def _a_day_that_lasts(request: pytest.FixtureRequest) -> None:
    let_midnight_pass(A_FILE)
    count_from_today(request.module)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Throwaway]:
    """Yield a server of this test run's own; it ends with the run, even if that is killed."""
    with throwaway() as server:
        yield server


@pytest.fixture(scope="session")
def warehouse_template(postgres: Throwaway) -> str:
    """Return the name of a migrated, empty warehouse that is only ever copied."""
    name = "warehouse_template"
    postgres.create_database(name)
    migrate(postgres.url("owner", name))
    return name


@pytest.fixture
def warehouse(postgres: Throwaway, warehouse_template: str) -> Iterator[Warehouse]:
    """Yield a migrated, empty warehouse of this test's own."""
    yield from fresh_warehouse(postgres, warehouse_template)


@pytest.fixture(scope="module")
def module_warehouse(postgres: Throwaway, warehouse_template: str) -> Iterator[Warehouse]:
    """Yield a migrated, empty warehouse that the tests of one file fill once and only read."""
    yield from fresh_warehouse(postgres, warehouse_template)


def fresh_warehouse(postgres: Throwaway, template: str) -> Iterator[Warehouse]:
    name = f"warehouse_{uuid.uuid4().hex}"
    postgres.create_database(name, template=template)
    yield Warehouse(postgres, name)
    postgres.drop_database(name)
