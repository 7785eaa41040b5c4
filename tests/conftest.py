"""Fixtures for every room: one throw-away PostgreSQL a session, one freshly migrated warehouse a test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from pytest_socket import disable_socket, enable_socket
from xdist.remote import Producer

from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.support import markers
from tests.support.environment import forget_the_caller
from tests.support.midnight import A_FILE, count_from_today, let_midnight_pass
from tests.support.xdist_scopes import Sharing
from tests.warehouse.database import Warehouse

# Before a test or a fixture reads anything, here and in each process of several.
forget_the_caller()

# How fast the machine is says nothing about the code, and a test leaves no files behind.
hypothesis.settings.register_profile(
    "tests", deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

# Airflow creates directories under AIRFLOW_HOME when it is imported.
AIRFLOW_HOME = TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which `-m "not slow"` runs nothing: importing them takes longer than some tests."""
    is_left_out = config.option.markexpr == "not slow" and markers.slow_file(collection_path)
    return True if is_left_out else None


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        markers.add_to(item)
    items.sort(key=markers.turn)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests open no socket: a test that would reach a network or a database fails at once."""
    if item.get_closest_marker("unit"):
        # asyncio wakes its own loop through a pair of Unix sockets.
        disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    enable_socket()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


@pytest.fixture(scope="module", autouse=True)
def _a_day_that_lasts(request: pytest.FixtureRequest) -> None:
    """Start no file right before midnight, except unit tests: they share no clock with a server."""
    if not request.node.get_closest_marker("unit"):
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
