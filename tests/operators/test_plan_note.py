"""The planning task's note for the run."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agora.bandwidth.plan import Plan
from agora.operators.plan import _plan_note

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 1)
APP_DAYS = [("a", DAY), ("a", DAY + timedelta(days=1))]


def test_rechecks_are_counted_separately() -> None:
    assert _plan_note(Plan("account", APP_DAYS), by_name=False) == "account: requesting 2 app-days."
    assert (
        _plan_note(Plan("account", APP_DAYS, rechecks=1), by_name=False)
        == "account: requesting 2 app-days, including 1 re-check of settled days."
    )


def test_app_days_left_for_the_next_run_are_counted() -> None:
    note = _plan_note(Plan("account", APP_DAYS, rechecks=1, left=2000), by_name=False)
    assert note.startswith(
        "account: requesting 2 app-days, including 1 re-check of settled days. 2,000 more "
    )
    assert note.endswith("; the next run requests them.")


def test_an_incomplete_backfill_names_the_date_to_continue_from() -> None:
    assert _plan_note(Plan("account", APP_DAYS), by_name=True) == "account: requesting 2 app-days."
    note = _plan_note(Plan("account", APP_DAYS, left=2000), by_name=True)
    assert note.startswith("account: requesting 2 app-days, up to 2026-11-02. 2,000 more ")
    assert note.endswith(": request them in another run that begins on that date.")


def test_an_account_without_missing_days_is_noted() -> None:
    assert _plan_note(Plan("account"), by_name=False) == "account: nothing is missing."
