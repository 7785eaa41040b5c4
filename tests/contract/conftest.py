"""Both APIs, as each test asks them; skipped with the variable that it needs where that is not given."""

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
    """Yield the API that the environment names, or else a sandbox of this run's own."""
    named = Target.of_environment(os.environ)
    if named.given:
        yield named
        return
    with running_sandbox(quiet=True) as sandbox:
        yield Target.of_sandbox(sandbox)


@pytest.fixture(scope="session")
def dashboard(target: Target) -> DashboardApi:
    return DashboardApi(target)


@pytest.fixture(scope="session")
def push_stream(target: Target) -> PushStreamApi:
    return PushStreamApi(target)


@pytest.fixture
def leave_to_change(target: Target) -> None:
    target.require_leave_to_change()


@pytest.fixture
def quickly_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up an account after a moment of nothing but 429 instead of five minutes."""
    assert adaptive.GIVE_UP_AFTER_SECONDS == 300
    monkeypatch.setattr(adaptive, "GIVE_UP_AFTER_SECONDS", 0.3)


@pytest.fixture
def sandbox(target: Target) -> Iterator[RunningSandbox]:
    """Yield the sandbox, for what no test can provoke at the real API."""
    if target.sandbox is None:
        pytest.skip(
            "Only a sandbox can be made to answer so: it runs where no AGORA_CONTRACT_ variable is set."
        )
    target.sandbox.reset_stats()
    target.sandbox.reset_channels()
    target.sandbox.put_open_states({})
    yield target.sandbox
    target.sandbox.put_faults([])
    target.sandbox.put_open_grants(True)
