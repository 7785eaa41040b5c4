"""The note of a plan on its run."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agora.bandwidth.plan import Plan
from agora.operators.plan import _plan_note

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 1)
APP_DAYS = [("a", DAY), ("a", DAY + timedelta(days=1))]


def test_re_checks_are_counted_apart() -> None:
    assert _plan_note(Plan("account", APP_DAYS), by_name=False) == "account: requesting 2 app-days."
    assert (
        _plan_note(Plan("account", APP_DAYS, rechecks=1), by_name=False)
        == "account: requesting 2 app-days, including 1 re-check of settled days."
    )


def test_what_is_left_for_another_run_is_said() -> None:
    note = _plan_note(Plan("account", APP_DAYS, rechecks=1, left=2000), by_name=False)
    assert note.startswith(
        "account: requesting 2 app-days, including 1 re-check of settled days. 2,000 more "
    )
    assert note.endswith("; the next run requests them.")


def test_days_requested_by_name_are_to_be_requested_again_from_where_the_run_gets_to() -> None:
    assert _plan_note(Plan("account", APP_DAYS), by_name=True) == "account: requesting 2 app-days."
    note = _plan_note(Plan("account", APP_DAYS, left=2000), by_name=True)
    assert note.startswith("account: requesting 2 app-days, up to 2026-11-02. 2,000 more ")
    assert note.endswith(": request them in another run that begins on that date.")


def test_an_account_without_work() -> None:
    assert _plan_note(Plan("account"), by_name=False) == "account: nothing is missing."
