"""Fixtures for tests of the local stack: settings with a separate state directory, and a running server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from deploy.local.postgres_server import stack_cluster, start_stack_cluster
from deploy.local.secret_files import Secrets, write_private
from deploy.local.settings import Settings, free_port

SECRETS = Secrets()


def new_stack(state: Path) -> Settings:
    made = Settings(state, free_port(), free_port(), free_port())
    made.make_directories()
    made.state_file.update(mode="demo", ports=made.ports)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a stack that is not started."""
    return new_stack(tmp_path / "state")


@pytest.fixture
def secrets(settings: Settings) -> Secrets:
    """Store the same secrets in every stack, because every stack copies the same data directory."""
    write_private(settings.secrets_path, json.dumps(asdict(SECRETS)))
    return SECRETS


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data directory of a stopped server, with roles and databases."""
    settings = new_stack(tmp_path_factory.mktemp("data") / "state")
    start_stack_cluster(settings, SECRETS)
    stack_cluster(settings).stop()
    return settings.postgres_data


@pytest.fixture
def running(data: Path, settings: Settings, secrets: Secrets) -> Iterator[Settings]:
    """Yield a stack with a running PostgreSQL server."""
    subprocess.run(["cp", "-a", data, settings.postgres_data], check=True)
    start_stack_cluster(settings, secrets)
    yield settings
    stack_cluster(settings).stop()


@pytest.fixture(scope="session")
def shared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Secrets]]:
    """Yield a stack with a running server, shared by the tests that change nothing."""
    settings = new_stack(tmp_path_factory.mktemp("shared") / "state")
    write_private(settings.secrets_path, json.dumps(asdict(SECRETS)))
    subprocess.run(["cp", "-a", data, settings.postgres_data], check=True)
    start_stack_cluster(settings, SECRETS)
    yield settings, SECRETS
    stack_cluster(settings).stop()
