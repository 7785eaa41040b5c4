"""One real stack for all tests of this room: it costs half a minute, so it is started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedded import configuration, stack
from embedded.ports import free_port
from embedded.settings import Settings
from tests.dags.stack import LiveStack


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Yield Airflow with the DAGs unpaused, on a sandbox of 20 apps."""
    settings = Settings(tmp_path_factory.mktemp("stack") / "local", free_port(), free_port(), free_port())
    try:
        running = stack.start(settings, stack.DEMO)
        configuration.apply(running)
        for dag_id in ("agora_bandwidth_daily", "agora_bandwidth_backfill"):
            configuration.unpause(running, dag_id)
        live = LiveStack(running)
        live.scheduled_run()
        yield live
    finally:
        stack.clean(settings)


@pytest.fixture
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with an empty warehouse and no scripted faults."""
    session_stack.start_afresh()
    return session_stack
