"""What a plan says in the note on its run."""

from __future__ import annotations

from datetime import date, timedelta

from agora.bandwidth.plan import Plan
from agora.operators.plan import _plan_note
from agora.warehouse.wanted import WantedAppDay

DAY = date(2026, 11, 1)


def test_what_is_left_for_another_run_is_said() -> None:
    app_days = [WantedAppDay("a", DAY, "pending"), WantedAppDay("b", DAY, "collected")]
    assert (
        _plan_note(Plan("account", app_days), by_name=False)
        == "account: 2 app-days to ask for, 1 of them once more."
    )
    assert _plan_note(Plan("account", app_days, left=2000), by_name=False) == (
        "account: 2 app-days to ask for, 1 of them once more, 2,000 left for another run,"
        " because this one would not get to them in time."
    )


def test_days_asked_for_by_name_are_to_be_asked_for_again_from_where_the_run_gets_to() -> None:
    app_days = [WantedAppDay("a", DAY, "pending"), WantedAppDay("a", DAY + timedelta(days=1), "pending")]
    assert _plan_note(Plan("account", app_days), by_name=True) == "account: 2 app-days to ask for."
    assert _plan_note(Plan("account", app_days, left=2000), by_name=True) == (
        "account: 2 app-days to ask for, up to 2026-11-02: ask again from there for the 2,000 left,"
        " because this run would not get to them in time."
    )
