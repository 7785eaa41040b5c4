"""Fixtures: no midnight during a test, and retries with short delays."""

from __future__ import annotations

import pytest

from agora.client import retries
from tests.support.midnight import TEST_DURATION, wait_past_midnight


@pytest.fixture(autouse=True)
def _same_day() -> None:
    wait_past_midnight(TEST_DURATION)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.01, 0.02, 0.03))
