"""One real stack for all tests in this folder.

It starts only once, because that takes half a minute. It stops after the last test, because an idle Airflow
slows down all other tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.stack.metrics_receiver import Collector, running_collector
from tests.stack.stack import LiveStack, running_stack
from tests.support.midnight import TEST_DURATION, wait_past_midnight_and_nightly_run


@pytest.fixture(scope="package")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Yield the collector that receives the stack's metrics."""
    with running_collector(tmp_path_factory.mktemp("metrics")) as collector:
        yield collector


@pytest.fixture(scope="package")
def session_stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[LiveStack]:
    """Yield a running Airflow with unpaused DAGs and a sandbox of 20 apps."""
    with ExitStack() as exit_stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
            environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            environment.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
            live = exit_stack.enter_context(running_stack(tmp_path_factory.mktemp("stack") / "local"))
        yield live


@pytest.fixture
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with an empty warehouse and no scripted faults."""
    wait_past_midnight_and_nightly_run(TEST_DURATION)
    session_stack.reset()
    return session_stack
