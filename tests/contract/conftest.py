"""Fixtures for both APIs. A test is skipped if a variable that it needs is not set."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from agora.rate_limit import adaptive
from tests.contract.dashboard_api import DashboardApi
from tests.contract.push_stream_api import PushStreamApi
from tests.contract.target import Target
from tests.support.sandbox_server import RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """Yield the API that the environment names, or otherwise a sandbox for this run."""
    named = Target.from_environment(os.environ)
    if named.given:
        yield named
        return
    with running_sandbox(quiet=True) as sandbox:
        yield Target.for_sandbox(sandbox)


@pytest.fixture(scope="session")
def dashboard(target: Target) -> DashboardApi:
    return DashboardApi(target)


@pytest.fixture(scope="session")
def push_stream(target: Target) -> PushStreamApi:
    return PushStreamApi(target)


@pytest.fixture
def changes_allowed(target: Target) -> None:
    target.require_changes_allowed()


@pytest.fixture
def short_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up an account after a fraction of a second of 429s, instead of five minutes."""
    assert adaptive.GIVE_UP_AFTER_SECONDS == 300
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", 0.3)


@pytest.fixture
def sandbox(target: Target) -> Iterator[RunningSandbox]:
    """Yield the sandbox, for behaviour that no test can provoke at the real API."""
    if target.sandbox is None:
        pytest.skip("This test needs the sandbox, which runs only if no AGORA_CONTRACT_ variable is set.")
    target.sandbox.reset_stats()
    target.sandbox.reset_channels()
    target.sandbox.put_open_states({})
    yield target.sandbox
    target.sandbox.put_faults([])
    target.sandbox.put_open_grants(True)
