"""Fixtures: one sandbox per test file, reset before each test, and retries with short waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agora.client import push_stream, retries
from agora.rate_limit import adaptive
from tests.support.sandbox_server import RunningSandbox, running_sandbox

WINDOW_SECONDS = 0.1  # the period of the vendor's limit, for which a limiter waits after a 429


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: RunningSandbox) -> RunningSandbox:
    module_sandbox.put_faults([])
    module_sandbox.put_rate_limit(0)
    module_sandbox.reset_channels()
    module_sandbox.put_open_states({})
    module_sandbox.put_open_grants(True)
    module_sandbox.reset_stats()
    return module_sandbox


@pytest.fixture
def short_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up an account after a fraction of a second of 429s, instead of five minutes."""
    assert adaptive.GIVE_UP_AFTER_SECONDS == 300
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", 2.5 * WINDOW_SECONDS)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert retries.RETRY_WITHIN_SECONDS == (1.0, 3.0, 6.0), "the vendor's advice"
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.01, 0.02, 0.03))
    assert adaptive.WINDOW_SECONDS == 1, "the vendor states its limits per second"
    monkeypatch.setattr(adaptive, "WINDOW_SECONDS", WINDOW_SECONDS)
    assert push_stream.REQUESTS_PER_SECOND == 10, "the assumed limit of the push-stream API"
    monkeypatch.setattr(push_stream, "REQUESTS_PER_SECOND", 100_000.0)
