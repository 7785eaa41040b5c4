"""A day that does not end during a test, and retries that do not make tests wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from agora.vendor import transport

MIDNIGHT_IS_NEAR = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def _the_same_day_all_along() -> None:
    """Sandbox, planner and database each ask their own clock for today; let midnight pass first."""
    while (datetime.now(UTC) + MIDNIGHT_IS_NEAR).date() != datetime.now(UTC).date():
        time.sleep(1)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RETRY_WITHIN_SECONDS", (0.01, 0.02, 0.03))
