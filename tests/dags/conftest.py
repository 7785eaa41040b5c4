"""One real stack for all tests of this room: it costs half a minute, so it is started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dags.stack import LiveStack, running_stack


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Yield Airflow with the DAGs unpaused, on a sandbox of 20 apps."""
    with running_stack(tmp_path_factory.mktemp("stack") / "local") as live:
        yield live


@pytest.fixture
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with an empty warehouse and no scripted faults."""
    session_stack.start_afresh()
    return session_stack
