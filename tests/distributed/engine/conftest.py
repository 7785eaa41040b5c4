"""One engine and one installation for all tests in this folder. Without an engine, they are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.distributed.engine import standins
from tests.distributed.engine.engine import Engine, NoEngineError, running_engine
from tests.distributed.engine.installation import BUILD_SECONDS, Installation, copy_tree


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        with running_engine() as engine:
            yield engine
    except NoEngineError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def installation(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield an installation, made in an empty folder with the README's commands."""
    if engine.is_own:
        standins.build(engine)
    directory = tmp_path_factory.mktemp("installation")
    copy_tree(directory)
    installation = Installation(engine, directory)
    installation.make("secrets")
    installation.configure()
    try:
        installation.compose("build", seconds=BUILD_SECONDS)
        installation.up("--build")
        yield installation
    finally:
        installation.compose("down", "--volumes", "--rmi", "local", "--timeout", "1", check=False)
