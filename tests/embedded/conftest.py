"""What several tests of the local stack share: a state directory of their own, a throw-away server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import postgres, secrets_file
from embedded.ports import free_port
from embedded.secrets_file import Secrets
from embedded.settings import Settings


def new_stack(state: Path) -> Settings:
    made = Settings(state, free_port(), free_port(), free_port())
    made.make_directories()
    made.state_file.remember(mode="demo", ports=made.ports)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A stack of the test's own, not started."""
    return new_stack(tmp_path / "state")


@pytest.fixture
def secrets(settings: Settings) -> Secrets:
    return secrets_file.load_or_create(settings.state / "secrets.json")


@pytest.fixture
def running(settings: Settings, secrets: Secrets) -> Iterator[Settings]:
    """A stack of which PostgreSQL runs."""
    postgres.start_of_stack(settings, secrets)
    yield settings
    postgres.of_stack(settings).stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Secrets]]:
    """The same for tests that change nothing, once a module."""
    settings = new_stack(tmp_path_factory.mktemp("shared") / "state")
    secrets = secrets_file.load_or_create(settings.state / "secrets.json")
    postgres.start_of_stack(settings, secrets)
    yield settings, secrets
    postgres.of_stack(settings).stop()
