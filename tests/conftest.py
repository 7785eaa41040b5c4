"""Fixtures for all tests: one PostgreSQL server per session, one freshly migrated warehouse per test."""

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
from tests.support.environment import clear_caller_environment
from tests.support.midnight import FILE_DURATION, reload_if_imported_yesterday, wait_past_midnight
from tests.support.xdist_scopes import SharedServerScheduling
from tests.warehouse.database import Warehouse

# This runs in each test process before any test or fixture reads the environment.
clear_caller_environment()

# No deadline, because a slow machine is not a fault in the code. No database, because tests leave no files.
hypothesis.settings.register_profile(
    "tests", deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

# Airflow creates directories under AIRFLOW_HOME when it is imported.
AIRFLOW_HOME = TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files that contain only slow tests with `-m "not slow"`, because importing them takes time."""
    is_left_out = config.option.markexpr == "not slow" and markers.is_slow_file(collection_path)
    return True if is_left_out else None


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        markers.add_markers(item)
    items.sort(key=markers.start_order)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block sockets in unit tests, so that access to a network or a database fails immediately."""
    if item.get_closest_marker("unit"):
        # asyncio wakes its event loop through a pair of Unix sockets.
        disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    enable_socket()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharedServerScheduling:
    return SharedServerScheduling(config, log)


@pytest.fixture(scope="module", autouse=True)
def _avoid_midnight(request: pytest.FixtureRequest) -> None:
    """Start no file right before midnight, except unit tests, which share no clock with a server."""
    if not request.node.get_closest_marker("unit"):
        wait_past_midnight(FILE_DURATION)
    reload_if_imported_yesterday(request.module)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Throwaway]:
    """Yield a PostgreSQL server for this test run. It stops with the run, even if the run is killed."""
    with throwaway() as server:
        yield server


@pytest.fixture(scope="session")
def warehouse_template(postgres: Throwaway) -> str:
    """Return the name of a migrated, empty warehouse that is used only as a template."""
    name = "warehouse_template"
    postgres.create_database(name)
    migrate(postgres.url("owner", name))
    return name


@pytest.fixture
def warehouse(postgres: Throwaway, warehouse_template: str) -> Iterator[Warehouse]:
    """Yield a migrated, empty warehouse for one test."""
    yield from fresh_warehouse(postgres, warehouse_template)


@pytest.fixture(scope="module")
def module_warehouse(postgres: Throwaway, warehouse_template: str) -> Iterator[Warehouse]:
    """Yield a migrated, empty warehouse for one test file, whose tests fill it once and then only read it."""
    yield from fresh_warehouse(postgres, warehouse_template)


def fresh_warehouse(postgres: Throwaway, template: str) -> Iterator[Warehouse]:
    name = f"warehouse_{uuid.uuid4().hex}"
    postgres.create_database(name, template=template)
    yield Warehouse(postgres, name)
    postgres.drop_database(name)
