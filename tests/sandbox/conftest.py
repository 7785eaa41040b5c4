"""Fixtures of the sandbox's own tests: one sandbox for all tests, reset before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox_server import RunningSandbox, running_sandbox

# A Sunday in the middle of a month, with an ordinary month before it.
NOON = "2026-11-22T12:02:00+00:00"


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=20, clock=NOON, quiet=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(session_sandbox: RunningSandbox) -> RunningSandbox:
    session_sandbox.control("POST", "reset")
    return session_sandbox
