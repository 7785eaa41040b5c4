"""How the expiry monitor reports app-days that are not collected."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.expiry_monitor import Check, Findings
from agora.errors import DaysExpire, DaysLost
from agora.warehouse.planning_queries import IncompleteDay

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 22)
YESTERDAY = Check(datetime(2026, 11, 21, 6, tzinfo=UTC))


def day(days_left: int, state: str = "failed", app_id: str = "a1", reason: str = "HTTP 500") -> IncompleteDay:
    """Return an app-day with the given number of days left in a window of 30 days."""
    usage_date = TODAY - timedelta(days=30 - days_left)
    return IncompleteDay("agora_dashboard", app_id, f"Name of {app_id}", usage_date, state, reason, days_left)


def findings(*days: IncompleteDay, before: Check = YESTERDAY, days_of_warning: int = 7) -> Findings:
    return Findings(days, before, days_of_warning)


def test_without_missing_days_there_is_no_problem() -> None:
    found = findings()
    assert found.problems() == []
    assert found.text(0, 0) == "No apps are configured."
    assert found.text(20, 0) == "Every available day of 20 apps is collected."


def test_missing_days_with_time_left_are_reported_without_a_problem() -> None:
    found = findings(day(8), day(28, "pending", "b2"))
    assert found.problems() == []
    assert found.text(2, 0).startswith(
        "Oldest missing day: 2026-10-31, 8 days left. Missing: 2 app-days of 2"
    )


def test_a_day_about_to_expire_is_a_problem_with_app_day_reason_and_account() -> None:
    (problem,) = findings(day(7), day(28)).problems()
    assert isinstance(problem, DaysExpire)
    message = str(problem)
    assert message.startswith(
        "1 app-day of 1 app (2026-10-30) will leave the vendor's window uncollected within 7 days,"
        " the first in 7 days."
    )
    assert "- app a1 (Name of a1), connection agora_dashboard: 1 from 2026-10-30 on, HTTP 500" in message
    assert "Fix the failures in the note of the last run of agora_bandwidth_daily" in message
    assert message.endswith("See docs/runbook.md#days-expire")


def test_days_of_warning_sets_how_early_a_problem_is_reported() -> None:
    assert findings(day(8), days_of_warning=8).problems()
    assert not findings(day(8), days_of_warning=7).problems()


def test_days_that_were_never_requested_are_counted() -> None:
    (problem,) = findings(day(2, "pending"), day(3, "pending", "b2"), day(2, "rejected", "c3")).problems()
    assert "2 of them were never requested. Check whether agora_bandwidth_daily is paused or stuck." in str(
        problem
    )


def test_states_without_points_are_problems_and_partial_days_are_only_reported() -> None:
    for state in ("pending", "failed", "rejected"):
        assert findings(day(0, state)).problems(), state
    found = findings(day(0, "partial"), day(-2, "partial"), day(-3, "partial"))
    assert found.problems() == []
    assert "2 app-days partial, requested again every night." in found.text(1, 0)


def test_a_lost_day_is_a_problem_once_and_then_only_counted() -> None:
    lost = day(-3, "lost", reason="outside the vendor's window")
    first = findings(lost)
    (problem,) = first.problems()
    assert isinstance(problem, DaysLost)
    assert "app a1 (Name of a1), connection agora_dashboard: 1 from 2026-10-20 on, outside" in str(problem)

    again = findings(lost, before=Check(YESTERDAY.at, first.gone))
    assert again.problems() == []
    assert "1,234 app-days lost in total" in again.text(1, 1234)


def test_a_day_outside_the_window_is_about_to_expire_for_two_days_and_then_lost() -> None:
    """The day has left the window according to the calendar but is still requested."""
    for days_left, state in ((-1, "pending"), (-2, "failed")):
        found = findings(day(days_left, state))
        (problem,) = found.problems()
        assert isinstance(problem, DaysExpire)
        assert "already left the window according to the calendar" in str(problem)
        assert f"{days_left} day" not in str(problem)
        assert found.text(1, 0).startswith(f"Oldest missing day: {day(days_left).usage_date}, 0 days left.")
    found = findings(day(-2), day(-1), day(3))
    assert "2 of them have already left the window according to the calendar" in str(found.problems()[0])
    assert [type(problem) for problem in findings(day(-3, "lost")).problems()] == [DaysLost]


def test_another_app_that_loses_the_same_day_is_a_new_problem() -> None:
    before = Check(YESTERDAY.at, findings(day(-3, "lost")).gone)
    assert findings(day(-3, "lost"), day(-3, "lost", "b2"), before=before).problems()


def test_many_apps_are_counted_and_the_soonest_to_expire_are_named() -> None:
    (problem,) = findings(*(day(n % 7, app_id=f"app{n}") for n in range(300))).problems()
    lines = str(problem).splitlines()
    assert "300 app-days of 300 apps" in lines[0]
    assert "the first in 0 days" in lines[0]
    assert all("2026-10-23" in line for line in lines[2:-1])
    assert lines[-1].startswith("- and 295 more apps, see mart.coverage")


def test_long_reasons_are_shortened() -> None:
    (problem,) = findings(day(1, reason="word " * 1000)).problems()
    assert len(str(problem)) < 600


def test_a_check_round_trips_through_json() -> None:
    check = Check(YESTERDAY.at, findings(day(-3, "lost"), day(-3, "lost", "b2")).gone)
    assert Check.from_json(json.loads(json.dumps(check.to_json()))) == check
    assert check.gone == {"2026-10-20": 2}
