"""A day that does not end during a test, and retries that do not make tests wait."""

from __future__ import annotations

import pytest

from agora.client import retries
from tests.support.midnight import A_TEST, let_midnight_pass


@pytest.fixture(autouse=True)
def _the_same_day_all_along() -> None:
    let_midnight_pass(A_TEST)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "RETRY_WITHIN_SECONDS", (0.01, 0.02, 0.03))
