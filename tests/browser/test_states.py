"""Every state in the Coverage view has its own colour, sign and description."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.coverage_grid import restored
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack
from tests.warehouse.database import NO_POINTS

# State → apps and days, counted from the oldest day of the window. Lost days are older than the window.
SPREAD = {
    "lost": (("support-03", "overseas-09", "classroom-12"), range(-6, -4)),
    "rejected": (("meetings-11",), range(9, 11)),
    "failed": (("livestream-10", "livestream-15"), range(18, 22)),
    "pending": (("overseas-14", "support-13", "classroom-17", "meetings-16"), range(25, 27)),
}
REASONS = {
    "lost": "not requested yet",
    "rejected": "the response is for another day",
    "failed": "HTTP 500",
    "pending": "not requested yet",
}


@pytest.fixture
def spread(live: LiveStack) -> Iterator[dict[tuple[str, str], str]]:
    """Set some app-days to other states, yield them, and restore them."""
    oldest = live.sql("select min(usage_date) from mart.coverage")[0][0]
    states = {
        (name, f"{oldest + timedelta(days=number)}"): state
        for state, (names, numbers) in SPREAD.items()
        for name in names
        for number in numbers
    }
    changed = " or ".join(_app_day(name, usage_date) for name, usage_date in states)
    with restored(live, f"({changed})"):
        for (name, usage_date), state in states.items():
            if state == "lost":
                _expect(live, name, f"+ {_range_of(usage_date)}")
            elif state == "pending":
                live.sql(f"delete from core.app_day where {_app_day(name, usage_date)}")
            else:
                live.sql(
                    f"update core.app_day set state = '{state}', reason = '{REASONS[state]}', {NO_POINTS},"
                    " collected_at = null, body_sha256 = null"
                    f" where {_app_day(name, usage_date)}"
                )
        yield states
        for (name, usage_date), state in states.items():
            if state == "lost":
                _expect(live, name, f"- {_range_of(usage_date)}")
    assert live.sql("select count(*) from mart.coverage where state <> 'collected'") == [(1,)]


def _expect(live: LiveStack, name: str, change: str) -> None:
    live.sql(f"update core.app set wanted = wanted {change} where name = '{name}'")


def _range_of(usage_date: str) -> str:
    return f"datemultirange(daterange('{usage_date}', '{usage_date}', '[]'))"


def _app_day(name: str, usage_date: str) -> str:
    return f"usage_date = '{usage_date}' and app_key = (select app_key from core.app where name = '{name}')"


def test_each_state_has_a_colour_a_sign_and_a_description(
    visitor: Visitor, spread: dict[tuple[str, str], str]
) -> None:
    frame = visitor.go_to(f"coverage?sort=name&from_date={min(usage_date for _, usage_date in spread)}")
    looks = {}
    for (name, usage_date), state in spread.items():
        cell = frame.locator(f".grid td[data-day='{name} {usage_date}']")
        expect(cell).to_have_class(state)
        label = cell.get_attribute("aria-label") or ""
        assert f": {state}, 0 of 288 points" in label
        assert REASONS[state] in label
        looks[state] = (cell.evaluate("cell => getComputedStyle(cell).backgroundColor"), cell.inner_text())
    assert (
        len({colour for colour, _ in looks.values()})
        == len({sign for _, sign in looks.values()})
        == len(SPREAD)
    )
    expect(frame.locator(".expiring a").first).to_contain_text("app-day")
    visitor.take_picture("coverage")
