"""The Coverage view shows the same figures as SQL, and a click collects a missing day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Frame, Locator, expect

from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack

COLLECTED_BY_RUN = 120_000  # milliseconds
CELLS = ".grid tbody td"
POLLS = 4_000  # milliseconds in which the page polls a run more than once
# Whether the focused element is visible at its centre, with nothing above it.
IN_SIGHT = """
() => {
  const { left, top, width, height } = document.activeElement.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2) === document.activeElement;
}
"""


@contextmanager
def without(live: LiveStack, app_name: str, usage_date: str) -> Iterator[None]:
    """Delete an app-day, as if it had never been requested."""
    app_day = (
        f"usage_date = '{usage_date}' and app_key = (select app_key from core.app where name = '{app_name}')"
    )
    assert live.sql(f"delete from core.app_day where {app_day} returning points") == [(288,)]
    yield
    live.end_runs()


def state_in_sql(live: LiveStack, app_name: str, usage_date: str) -> tuple[str, int]:
    ((state, points),) = live.sql(
        "select state, points from mart.coverage"
        f" where app_name = '{app_name}' and usage_date = '{usage_date}'"
    )
    return state, points


def cell(frame: Frame, app_name: str, usage_date: str) -> Locator:
    return frame.locator(f".grid td[data-day='{app_name} {usage_date}']")


def collect(missing: Locator) -> None:
    """Select a missing day and collect it."""
    missing.click()
    missing.page.frame_locator("iframe").get_by_role("button", name="Collect 1 missing").click()


@contextmanager
def paused(live: LiveStack) -> Iterator[None]:
    """Pause the backfill, so that its runs stay queued."""
    set_paused(live, is_paused=True)
    try:
        yield
    finally:
        unpause(live)


def unpause(live: LiveStack) -> None:
    set_paused(live, is_paused=False)


def set_paused(live: LiveStack, *, is_paused: bool) -> None:
    live.call("PATCH", "/api/v2/dags/agora_bandwidth_backfill", {"is_paused": is_paused})


def last_backfill(live: LiveStack) -> tuple[dict[str, object], str]:
    """Return the parameters and the user of the last backfill."""
    path = "/api/v2/dags/agora_bandwidth_backfill/dagRuns?order_by=-run_after&limit=1"
    (run,) = live.call("GET", path)["dag_runs"]
    return run["conf"], run["triggering_user_name"]


@pytest.fixture
def dates(live: LiveStack) -> list[str]:
    """Return the usage dates of the window, oldest first."""
    return [day for (day,) in live.sql("select distinct usage_date::text from mart.coverage order by 1")]


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
        first = frame.locator(".expiring p").first
        expect(first).to_contain_text("Expires today" if days_left == 0 else f"{days_left} day")
        expect(first).to_contain_text("1 app-day of 1 app")
        expect(frame.locator(".grid tbody th").first).to_contain_text("meetings-01")
        live.trigger("agora_bandwidth_daily")


def test_a_click_collects_a_missing_day(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-08", dates[-3]):
        frame = visitor.go_to("coverage")
        missing = cell(frame, "support-08", dates[-3])
        expect(missing).to_have_class("pending")
        missing.click()
        visitor.take_picture("coverage_choice")
        frame.get_by_role("button", name="Collect 1 missing").click()
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(frame.get_by_role("status")).to_contain_text("success", timeout=COLLECTED_BY_RUN)
        assert state_in_sql(live, "support-08", dates[-3]) == ("collected", 288)
        conf, by = last_backfill(live)
        assert (conf["from_date"], conf["to_date"], conf["reload"], by) == (
            dates[-3],
            dates[-3],
            False,
            "admin",
        )
        frame.get_by_role("link", name="Open the run").click()
        visitor.page.wait_for_url("**/dags/agora_bandwidth_backfill/runs/**")


def test_a_range_is_selected_and_collected_by_keyboard(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "overseas-04", dates[5]):
        frame = visitor.go_to("coverage?sort=name")
        cell(frame, "overseas-04", dates[4]).focus()
        for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
            visitor.page.keyboard.press(key)
        expect(frame.locator("aside .selection")).to_contain_text(
            "6 app-days of 2 apps selected: 5 collected, 1 missing"
        )
        frame.get_by_role("button", name="Collect 1 missing").press("Enter")
        expect(cell(frame, "overseas-04", dates[5])).to_have_class("collected", timeout=COLLECTED_BY_RUN)


def test_a_day_being_collected_cannot_be_collected_twice(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "support-08", dates[-4]), paused(live):
        frame = visitor.go_to("coverage")
        missing = cell(frame, "support-08", dates[-4])
        collect(missing)
        expect(frame.get_by_role("status")).to_contain_text("agora_bandwidth_backfill is paused")
        expect(frame.locator("aside .selection")).to_contain_text("already collecting")
        expect(frame.locator("aside button")).to_have_count(0)
        assert missing.evaluate("cell => cell === document.activeElement"), "the focus is back in the grid"
        cell(frame, "support-13", dates[-4]).click()
        expect(frame.locator("aside button")).to_have_text(["Reload 1…"])
        unpause(live)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(frame.locator("aside .selection")).to_contain_text("support-13")


def test_a_run_is_tracked_while_other_views_are_shown(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "overseas-09", dates[3]), paused(live):
        frame = visitor.go_to("coverage")
        collect(cell(frame, "overseas-09", dates[3]))
        status = frame.get_by_role("status")
        expect(status).to_contain_text("is paused")
        frame.locator("#coverage-sort").focus()
        frame.locator("#coverage-sort").select_option("name")
        expect(frame.locator(".grid tbody th").first).to_contain_text("classroom-02")
        expect(frame.locator("#coverage-sort")).to_be_focused()
        expect(status).to_contain_text("is paused")
        cell(frame, "overseas-09", dates[3]).click()
        expect(frame.locator("aside button")).to_have_count(0)
        visitor.switch_to("health")
        visitor.page.wait_for_load_state("networkidle")
        requested: list[str] = []
        visitor.page.on("request", lambda request: requested.append(request.url))
        visitor.page.wait_for_timeout(POLLS)
        assert not [url for url in requested if "dagRuns" in url or "api/coverage" in url]
        visitor.switch_to("coverage?sort=missing")
        expect(status).to_contain_text("is paused")
        unpause(live)
        expect(cell(frame, "overseas-09", dates[3])).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(status).to_contain_text("success", timeout=COLLECTED_BY_RUN)
        status.get_by_role("button", name="Close").click()
        expect(frame.locator("aside")).to_be_hidden()


@pytest.mark.parametrize(
    "broken",
    [
        "**/api/v2/dags/agora_bandwidth_backfill",
        "**/api/v2/dags/*/dagRuns/*",
        "**/agora/bandwidth/api/coverage**",
    ],
)
def test_a_failed_poll_is_repeated(live: LiveStack, visitor: Visitor, dates: list[str], broken: str) -> None:
    with without(live, "meetings-06", dates[7]), paused(live):
        frame = visitor.go_to("coverage")
        visitor.page.route(broken, lambda route: route.abort())
        collect(cell(frame, "meetings-06", dates[7]))
        status = frame.get_by_role("status")
        expect(status).to_contain_text("was triggered, but its state is unknown")
        expect(status.get_by_role("link", name="Open the run")).to_be_visible()
        expect(frame.locator(".selection button")).to_have_count(0)
        visitor.page.unroute(broken)
        unpause(live)
        expect(cell(frame, "meetings-06", dates[7])).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(status).to_contain_text("success", timeout=COLLECTED_BY_RUN)
        assert all("ERR_FAILED" in error for error in visitor.errors)
        visitor.errors.clear()


def test_days_of_a_run_that_was_not_triggered_can_still_be_collected(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "meetings-11", dates[7]):
        frame = visitor.go_to("coverage")
        visitor.page.route("**/dagRuns", lambda route: route.abort())
        collect(cell(frame, "meetings-11", dates[7]))
        expect(frame.get_by_role("status")).to_contain_text("was not triggered. Airflow does not respond")
        expect(frame.get_by_role("button", name="Collect 1 missing")).to_be_visible()
        assert all("ERR_FAILED" in error for error in visitor.errors)
        visitor.errors.clear()
        live.trigger("agora_bandwidth_daily")


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
        cell(frame, "classroom-07", f"{lost}").click()
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
        live.trigger("agora_bandwidth_daily")


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
        first = frame.locator(".expiring p").first
        expect(first).to_have_class("warning")
        expect(first).to_contain_text(f"Past the vendor window, still requested: {days} app-day")
        cell(frame, "classroom-07", past_day).click()
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
        marked.click()
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


def test_a_drag_continues_while_a_run_ends(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-03", dates[9]), paused(live):
        frame = visitor.go_to("coverage?sort=expiry")
        collect(cell(frame, "support-03", dates[9]))
        expect(frame.get_by_role("status")).to_contain_text("is paused")
        cell(frame, "classroom-02", dates[2]).hover()
        visitor.page.mouse.down()
        cell(frame, "classroom-07", dates[4]).hover()
        unpause(live)
        expect(cell(frame, "support-03", dates[9])).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        cell(frame, "classroom-07", dates[6]).hover()
        visitor.page.mouse.up()
        expect(frame.locator("td[aria-selected='true']")).to_have_count(10)


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


def test_reloading_collected_days_requires_confirmation(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    frame = visitor.go_to("coverage")
    cell(frame, "classroom-12", dates[8]).click()
    frame.get_by_role("button", name="Reload 1…").click()
    dialog = frame.get_by_role("dialog")
    expect(dialog).to_contain_text("Request 1 collected day again?")
    before = live.sandbox("GET", "stats")["requests"]
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert live.sandbox("GET", "stats")["requests"] == before
    frame.get_by_role("button", name="Reload 1…").click()
    frame.get_by_role("dialog").get_by_role("button", name="Reload 1 app-day").click()
    expect(frame.get_by_role("status")).to_contain_text("success", timeout=COLLECTED_BY_RUN)
    assert last_backfill(live)[0]["reload"] is True


def test_search_order_and_dates(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to(f"coverage?search=CLASS&sort=name&from_date={dates[3]}&to_date={dates[5]}")
    names = [name for (name,) in live.sql("select name from core.app where name like 'class%' order by 1")]
    assert frame.locator(".grid tbody th span").all_inner_texts() == names
    assert frame.locator(CELLS).count() == 3 * len(names)
    visitor.switch_to("coverage?search=nobody")
    expect(frame.locator(".empty")).to_contain_text("“nobody”")


def test_a_viewer_sees_which_right_is_missing(live: LiveStack, chromium: Browser, dates: list[str]) -> None:
    with Visitor.logged_in(live, chromium, role="viewer") as viewer:
        frame = viewer.go_to("coverage")
        cell(frame, "support-13", dates[0]).click()
        expect(frame.locator("aside .selection")).to_contain_text("right to trigger agora_bandwidth_backfill")
        expect(frame.locator("aside button")).to_have_count(0)
