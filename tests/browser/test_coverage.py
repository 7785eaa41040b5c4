"""The Coverage view shows the same figures as SQL. A selection describes the selected days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from playwright.sync_api import expect

from tests.browser.coverage_grid import CELLS, cell, choose, without
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack

# Whether the focused element is visible at its centre, with nothing above it.
IN_SIGHT = """
() => {
  const { left, top, width, height } = document.activeElement.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2) === document.activeElement;
}
"""


def test_every_cell_equals_sql(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to("coverage")
    rows = live.sql("select app_name, usage_date::text, state, points, attempts, reason from mart.coverage")
    assert frame.locator(CELLS).count() == len(rows) == 20 * len(dates)
    cells = frame.locator(CELLS).evaluate_all(
        "cells => Object.fromEntries(cells.map(c => [c.dataset.day, [c.className, c.ariaLabel]]))"
    )
    for app_name, usage_date, state, points, attempts, reason in rows:
        shown_state, label = cells[f"{app_name} {usage_date}"]
        assert shown_state == state
        assert f"{state}, {points} of 288 points; requested {attempts} time" in label
        assert reason in label
    assert Counter(state for state, _ in cells.values()) == {"collected": len(rows) - 1, "partial": 1}


def test_the_days_that_expire_first_are_on_top(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "meetings-01", dates[0]):
        frame = visitor.go_to("coverage")
        days_left = live.sql("select min(days_left) from mart.coverage where state = 'pending'")[0][0]
        first = frame.locator(".expiring a").first
        expect(first).to_contain_text("Expires today" if days_left == 0 else f"{days_left} day")
        expect(first).to_contain_text("1 app-day of 1 app")
        expect(frame.locator(".grid tbody th").first).to_contain_text("meetings-01")


@contextmanager
def expected_since(live: LiveStack, app_name: str, first: date) -> Iterator[None]:
    """Make an app's days expected from an earlier date, as if the app had been known longer."""
    condition = f"where name = '{app_name}'"
    ((before,),) = live.sql(f"select wanted::text from core.app {condition}")
    live.sql(
        f"update core.app set wanted = wanted + datemultirange(daterange('{first}', current_date))"
        f" {condition}"
    )
    try:
        yield
        live.end_runs()
    finally:
        live.sql(f"update core.app set wanted = '{before}' {condition}")


def test_lost_days_are_reported_and_cannot_be_collected(live: LiveStack, visitor: Visitor) -> None:
    lost, first = live.today - timedelta(days=40), live.today - timedelta(days=27)
    with expected_since(live, "classroom-07", lost), without(live, "classroom-07", f"{first}"):
        frame = visitor.go_to(f"coverage?sort=name&search=classroom-07&from_date={lost}")
        choose(cell(frame, "classroom-07", f"{lost}"))
        choice, buttons = frame.locator("aside .selection"), frame.locator("aside button")
        expect(choice).to_contain_text("outside the vendor window")
        expect(choice).to_contain_text("trigger agora_bandwidth_backfill")
        expect(buttons).to_have_count(0)
        ((lost_count, open_days, shown),) = live.sql(
            "select count(*) filter (where state = 'lost'), count(*) filter (where state = 'pending'),"
            " count(*) filter (where state <> 'lost' and days_left >= -2)"
            " from mart.coverage where app_name = 'classroom-07'"
            f" and usage_date <= '{first + timedelta(days=1)}'"
        )
        assert lost_count > 5
        cell(frame, "classroom-07", f"{first + timedelta(days=1)}").click(modifiers=["Shift"])
        expect(choice).to_contain_text(f"{open_days} missing, {lost_count} lost")
        expect(buttons).to_have_text([f"Collect {open_days} missing", f"Reload {shown}…"])


def test_a_day_past_the_window_is_marked_as_still_requested(live: LiveStack, visitor: Visitor) -> None:
    with expected_since(live, "classroom-07", live.today - timedelta(days=40)):
        # Another test's run may have requested these days.
        live.sql(
            "delete from core.app_day where usage_date < (select window_begins_on from mart.vendor_account)"
            " and app_key = (select app_key from core.app where name = 'classroom-07')"
        )
        ((past_day, days),) = live.sql(
            "select min(usage_date)::text, count(*) from mart.coverage"
            " where app_name = 'classroom-07' and days_left < 0 and state = 'pending'"
        )
        assert days > 0
        frame = visitor.go_to("coverage?sort=name")
        expect(cell(frame, "classroom-07", past_day)).to_have_class("pending")
        label = cell(frame, "classroom-07", past_day).get_attribute("aria-label") or ""
        assert label.endswith("past the vendor window, still requested")
        first = frame.locator(".expiring a").first
        expect(first).to_have_class("warning")
        expect(first).to_contain_text(f"Past the vendor window, still requested: {days} app-day")
        choose(cell(frame, "classroom-07", past_day))
        expect(frame.locator("aside button")).to_have_text(["Collect 1 missing"])
        visitor.switch_to("health")
        expect(frame.locator(".notice").first).to_contain_text("past the vendor window and still requested")


def test_apps_with_the_same_response_are_marked_and_named(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    names = ("classroom-02", "meetings-01", "<i>overseas-04")
    same = f"usage_date = '{dates[4]}' and app_key in (select app_key from core.app where name in {names})"
    live.sql("update core.app set name = '<i>overseas-04' where name = 'overseas-04'")
    known = live.sql(f"select app_key, encode(body_sha256, 'hex') from core.app_day where {same}")
    assert len(known) == len(names)
    live.sql(f"update core.app_day set body_sha256 = '\\x01' where {same}")
    try:
        frame = visitor.go_to("coverage?sort=name")
        marked = cell(frame, "classroom-02", dates[4])
        expect(marked).to_have_class("collected same-response")
        expect(marked).to_have_text("=")
        label = marked.get_attribute("aria-label") or ""
        assert "same response as <i>overseas-04, meetings-01" in label
        expect(frame.locator(f"{CELLS}.same-response")).to_have_count(len(names))
        choose(marked)
        expect(frame.locator("aside .selection")).to_contain_text("same response as")
        visitor.switch_to("health")
        row = frame.locator(".same-responses tbody tr")
        expect(row).to_have_count(1)
        expect(row.locator("td")).to_contain_text(["", "3", "<i>overseas-04, classroom-02, meetings-01"])
    finally:
        live.sql("update core.app set name = 'overseas-04' where name = '<i>overseas-04'")
        for app_key, digest in known:
            live.sql(
                f"update core.app_day set body_sha256 = decode('{digest}', 'hex')"
                f" where usage_date = '{dates[4]}' and app_key = {app_key}"
            )


def test_header_and_focused_cell_stay_visible(visitor: Visitor, dates: list[str]) -> None:
    visitor.page.set_viewport_size({"width": 900, "height": 600})
    earlier = date.fromisoformat(dates[0]) - timedelta(days=31)
    frame = visitor.go_to(f"coverage?sort=name&from_date={earlier}")
    newest = cell(frame, "classroom-02", dates[-1])
    expect(newest).to_be_in_viewport(ratio=1)
    newest.focus()
    for key in ["ArrowDown"] * 19 + ["ArrowUp"] * 19 + ["Home"]:
        visitor.page.keyboard.press(key)
        assert frame.evaluate(IN_SIGHT), key
    cell(frame, "support-18", dates[0]).focus()
    assert frame.evaluate(IN_SIGHT)
    expect(frame.locator(".grid .dates")).to_be_in_viewport()


def test_a_page_number_past_the_end_shows_the_last_page(visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to("coverage?page=9")
    expect(frame.locator(".pages")).to_contain_text("1–20 of 20 apps")
    assert frame.locator(CELLS).count() == 20 * len(dates)


def test_dragging_selects_a_rectangle(visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to("coverage?sort=name")
    cell(frame, "classroom-02", dates[2]).hover()
    visitor.page.mouse.down()
    cell(frame, "classroom-07", dates[6]).hover()
    visitor.page.mouse.up()
    expect(frame.locator("td[aria-selected='true']")).to_have_count(10)
    expect(frame.locator("aside .selection")).to_contain_text(
        "10 app-days of 2 apps selected: 10 collected, 0 missing"
    )
    visitor.page.keyboard.press("Escape")
    expect(frame.locator("aside")).to_be_hidden()


def test_search_order_and_dates(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to(f"coverage?search=CLASS&sort=name&from_date={dates[3]}&to_date={dates[5]}")
    names = [name for (name,) in live.sql("select name from core.app where name like 'class%' order by 1")]
    assert frame.locator(".grid tbody th span").all_inner_texts() == names
    assert frame.locator(CELLS).count() == 3 * len(names)
    visitor.switch_to("coverage?search=nobody")
    expect(frame.locator(".empty")).to_contain_text("“nobody”")
