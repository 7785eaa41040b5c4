"""Fixtures: one sandbox per test file, reset before each test, and retries with short delays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agora.client import retries
from tests.support.sandbox_server import RunningSandbox, running_sandbox

APPS = 24


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: RunningSandbox) -> RunningSandbox:
    module_sandbox.put_faults([])
    module_sandbox.put_open_states({})
    module_sandbox.put_open_grants(True)
    module_sandbox.reset_stats()
    return module_sandbox


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.01, 0.02, 0.03))
