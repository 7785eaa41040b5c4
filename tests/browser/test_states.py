"""All six states in the view Coverage, each with a sign and words of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.dags.stack import LiveStack

# State → apps, and which days of the window, counted from its oldest.
SPREAD = {
    "lost": (("support-03", "overseas-09", "classroom-12"), range(2)),
    "rejected": (("meetings-11",), range(9, 11)),
    "failed": (("livestream-10", "livestream-15"), range(18, 22)),
    "pending": (("overseas-14", "support-13", "classroom-17", "meetings-16"), range(28, 30)),
}
REASONS = {
    "lost": "HTTP 400: out of range",
    "rejected": "the answer is for another day",
    "failed": "HTTP 500",
    "pending": "not asked yet",
}


@pytest.fixture
def spread(live: LiveStack) -> Iterator[dict[tuple[str, str], str]]:
    """Let some app-days be in other states; yield those, and collect them again."""
    dates = [day for (day,) in live.sql("select distinct usage_date::text from mart.coverage order by 1")]
    states = {
        (name, dates[number]): state
        for state, (names, numbers) in SPREAD.items()
        for name in names
        for number in numbers
    }
    for (name, usage_date), state in states.items():
        change = (
            "delete from core.app_day"
            if state == "pending"
            else f"update core.app_day set state = '{state}', reason = '{REASONS[state]}',"
            " points = 0, kbps = null, collected_at = null, body_sha256 = null"
        )
        live.sql(f"{change} where {_app_day(name, usage_date)}")
    yield states
    for name, usage_date in states:
        live.sql(f"delete from core.app_day where {_app_day(name, usage_date)}")
    live.trigger("agora_bandwidth_daily")
    assert live.sql("select count(*) from mart.coverage where state <> 'collected'") == [(1,)]


def _app_day(name: str, usage_date: str) -> str:
    return f"usage_date = '{usage_date}' and app_key = (select app_key from core.app where name = '{name}')"


def test_each_state_has_a_colour_a_sign_and_words(
    visitor: Visitor, spread: dict[tuple[str, str], str]
) -> None:
    frame = visitor.goes_to("coverage?sort=name")
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
    expect(frame.locator(".band p").first).to_contain_text("app-day")
    visitor.takes_picture("coverage")
