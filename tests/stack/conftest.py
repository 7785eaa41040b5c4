"""One real stack for all tests of this room: it costs half a minute, so it is started once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.stack.metrics_receiver import Collector, running_collector
from tests.stack.stack import LiveStack, running_stack
from tests.support.midnight import A_TEST, let_the_night_pass


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Yield where the stack sends its metrics."""
    with running_collector(tmp_path_factory.mktemp("metrics")) as collector:
        yield collector


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[LiveStack]:
    """Yield Airflow with the DAGs unpaused, on a sandbox of 20 apps."""
    with ExitStack() as until_the_end:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
            environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            environment.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
            live = until_the_end.enter_context(running_stack(tmp_path_factory.mktemp("stack") / "local"))
        yield live


@pytest.fixture
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with an empty warehouse and no scripted faults."""
    let_the_night_pass(A_TEST)
    session_stack.start_afresh()
    return session_stack
