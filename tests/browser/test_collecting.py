"""Collecting days from the Coverage view: triggering a run as the user, and following it until it ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.coverage_grid import COLLECTED_BY_RUN, cell, choose, collect, paused, unpause, without
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack

POLLS = 4_000  # milliseconds in which the page polls a run more than once


def state_in_sql(live: LiveStack, app_name: str, usage_date: str) -> tuple[str, int]:
    ((state, points),) = live.sql(
        "select state, points from mart.coverage"
        f" where app_name = '{app_name}' and usage_date = '{usage_date}'"
    )
    return state, points


def last_backfill(live: LiveStack) -> tuple[dict[str, object], str]:
    """Return the parameters and the user of the last backfill."""
    path = "/api/v2/dags/agora_bandwidth_backfill/dagRuns?order_by=-run_after&limit=1"
    (run,) = live.call("GET", path)["dag_runs"]
    return run["conf"], run["triggering_user_name"]


def test_a_selected_missing_day_is_collected(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-08", dates[-3]):
        frame = visitor.go_to_in_airflow("coverage")
        missing = cell(frame, "support-08", dates[-3])
        expect(missing).to_have_class("pending")
        choose(missing)
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
        missing = collect(frame, "support-08", dates[-4])
        expect(frame.get_by_role("status")).to_contain_text("agora_bandwidth_backfill is paused")
        expect(frame.locator("aside .selection")).to_contain_text("already collecting")
        expect(frame.locator("aside button")).to_have_count(0)
        assert missing.evaluate("cell => cell === document.activeElement"), "the focus is back in the grid"
        choose(cell(frame, "support-13", dates[-4]))
        expect(frame.locator("aside button")).to_have_text(["Reload 1…"])
        unpause(live)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(frame.locator("aside .selection")).to_contain_text("support-13")


def test_a_run_is_tracked_while_other_views_are_shown(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "overseas-09", dates[3]), paused(live):
        frame = visitor.go_to("coverage")
        missing = collect(frame, "overseas-09", dates[3])
        status = frame.get_by_role("status")
        expect(status).to_contain_text("is paused")
        frame.locator("#coverage-sort").focus()
        frame.locator("#coverage-sort").select_option("name")
        expect(frame.locator(".grid tbody th").first).to_contain_text("classroom-02")
        expect(frame.locator("#coverage-sort")).to_be_focused()
        expect(status).to_contain_text("is paused")
        choose(missing)
        expect(frame.locator("aside button")).to_have_count(0)
        visitor.switch_to("health")
        visitor.page.wait_for_load_state("networkidle")
        requested: list[str] = []
        visitor.page.on("request", lambda request: requested.append(request.url))
        visitor.page.wait_for_timeout(POLLS)
        assert not [url for url in requested if "dagRuns/" in url or "api/coverage" in url]
        visitor.switch_to("coverage?sort=missing")
        expect(status).to_contain_text("is paused")
        unpause(live)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
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
        missing = collect(frame, "meetings-06", dates[7])
        status = frame.get_by_role("status")
        expect(status).to_contain_text("was triggered, but its state is unknown")
        expect(status.get_by_role("link", name="Open the run")).to_be_visible()
        expect(frame.locator(".selection button")).to_have_count(0)
        visitor.page.unroute(broken)
        unpause(live)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(status).to_contain_text("success", timeout=COLLECTED_BY_RUN)
        assert all("ERR_FAILED" in error for error in visitor.errors)
        visitor.errors.clear()


def test_days_of_a_run_that_was_not_triggered_can_still_be_collected(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "meetings-11", dates[7]):
        frame = visitor.go_to("coverage")
        visitor.page.route("**/dagRuns", lambda route: route.abort())
        collect(frame, "meetings-11", dates[7])
        expect(frame.get_by_role("status")).to_contain_text("was not triggered. Airflow does not respond")
        expect(frame.get_by_role("button", name="Collect 1 missing")).to_be_visible()
        assert all("ERR_FAILED" in error for error in visitor.errors)
        visitor.errors.clear()


def test_a_drag_continues_while_a_run_ends(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-03", dates[9]), paused(live):
        frame = visitor.go_to("coverage?sort=expiry")
        missing = collect(frame, "support-03", dates[9])
        expect(frame.get_by_role("status")).to_contain_text("is paused")
        cell(frame, "classroom-02", dates[2]).hover()
        visitor.page.mouse.down()
        cell(frame, "classroom-07", dates[4]).hover()
        unpause(live)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        cell(frame, "classroom-07", dates[6]).hover()
        visitor.page.mouse.up()
        expect(frame.locator("td[aria-selected='true']")).to_have_count(10)


def test_reloading_collected_days_requires_confirmation(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    frame = visitor.go_to("coverage")
    choose(cell(frame, "classroom-12", dates[8]))
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


def test_a_viewer_sees_which_right_is_missing(live: LiveStack, chromium: Browser, dates: list[str]) -> None:
    with Visitor.logged_in(live, chromium, role="viewer") as viewer:
        frame = viewer.go_to("coverage")
        choose(cell(frame, "support-13", dates[0]))
        expect(frame.locator("aside .selection")).to_contain_text("right to trigger agora_bandwidth_backfill")
        expect(frame.locator("aside button")).to_have_count(0)
