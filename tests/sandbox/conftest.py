"""Fixtures of the sandbox's own tests: one sandbox for a file's tests, put back in order before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox_server import RunningSandbox, running_sandbox

# A Sunday, so that the days around it are an ordinary month's.
NOON = "2026-11-22T12:02:00+00:00"


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=20, clock=NOON, quiet=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: RunningSandbox) -> RunningSandbox:
    module_sandbox.put_faults([])
    module_sandbox.put_rate_limit(0)
    module_sandbox.put_clock(NOON)
    module_sandbox.put_credentials(module_sandbox.customer_id, module_sandbox.customer_certificate)
    module_sandbox.reset_stats()
    module_sandbox.reset_channels()
    module_sandbox.put_open_states({})
    module_sandbox.put_open_grants(True)
    return module_sandbox
