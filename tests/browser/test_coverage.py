"""The view Coverage: its figures are SQL's, and a gap is mended by clicking it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Frame, Locator, expect

from tests.browser.visitor import Visitor
from tests.dags.stack import LiveStack

COLLECTED_BY_RUN = 120_000  # milliseconds
CELLS = ".grid tbody td"


@contextmanager
def without(live: LiveStack, app_name: str, usage_date: str) -> Iterator[None]:
    """Let an app-day be as if it had never been asked for."""
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


def last_runs_conf(live: LiveStack) -> tuple[dict[str, object], str]:
    """Return what the last backfill was asked for, and by whom."""
    path = "/api/v2/dags/agora_bandwidth_backfill/dagRuns?order_by=-run_after&limit=1"
    (run,) = live.call("GET", path)["dag_runs"]
    return run["conf"], run["triggering_user_name"]


@pytest.fixture
def dates(live: LiveStack) -> list[str]:
    """Return the usage dates of the window, oldest first."""
    return [day for (day,) in live.sql("select distinct usage_date::text from mart.coverage order by 1")]


def test_every_cell_is_what_sql_says(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.goes_to("coverage")
    rows = live.sql("select app_name, usage_date::text, state, points, attempts, reason from mart.coverage")
    assert frame.locator(CELLS).count() == len(rows) == 20 * len(dates)
    words = frame.locator(CELLS).evaluate_all(
        "cells => Object.fromEntries(cells.map(c => [c.dataset.day, [c.className, c.ariaLabel]]))"
    )
    for app_name, usage_date, state, points, attempts, reason in rows:
        shown_state, label = words[f"{app_name} {usage_date}"]
        assert shown_state == state
        assert f"{state}, {points} of 288 points; asked {attempts} time" in label
        assert reason in label
    assert Counter(state for state, _ in words.values()) == {"collected": len(rows) - 1, "partial": 1}


def test_what_expires_soonest_stands_on_top(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "meetings-01", dates[0]):
        frame = visitor.goes_to("coverage")
        days_left = live.sql("select min(days_left) from mart.coverage where state = 'pending'")[0][0]
        first = frame.locator(".band p").first
        expect(first).to_contain_text("today" if days_left == 0 else f"{days_left} day")
        expect(first).to_contain_text("1 app-day of 1 app")
        expect(frame.locator(".grid tbody th").first).to_contain_text("meetings-01")
        live.trigger("agora_bandwidth_daily")


def test_a_click_collects_a_missing_day(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-08", dates[-3]):
        frame = visitor.goes_to("coverage")
        missing = cell(frame, "support-08", dates[-3])
        expect(missing).to_have_class("pending")
        missing.click()
        visitor.takes_picture("coverage_choice")
        frame.get_by_role("button", name="Collect 1 missing").click()
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)
        expect(frame.get_by_role("status")).to_contain_text("success", timeout=COLLECTED_BY_RUN)
        assert state_in_sql(live, "support-08", dates[-3]) == ("collected", 288)
        conf, by = last_runs_conf(live)
        assert (conf["from_date"], conf["to_date"], conf["reload"], by) == (
            dates[-3],
            dates[-3],
            False,
            "admin",
        )
        frame.get_by_role("link", name="Open the run").click()
        visitor.page.wait_for_url("**/dags/agora_bandwidth_backfill/runs/**")


def test_a_range_is_chosen_and_collected_by_keyboard(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "overseas-04", dates[5]):
        frame = visitor.goes_to("coverage?sort=name")
        cell(frame, "overseas-04", dates[4]).focus()
        for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
            visitor.page.keyboard.press(key)
        expect(frame.locator("aside .choice")).to_contain_text(
            "6 app-days of 2 apps chosen: 5 collected, 1 missing"
        )
        frame.get_by_role("button", name="Collect 1 missing").press("Enter")
        expect(cell(frame, "overseas-04", dates[5])).to_have_class("collected", timeout=COLLECTED_BY_RUN)


def test_dragging_chooses_a_rectangle(visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.goes_to("coverage?sort=name")
    cell(frame, "classroom-02", dates[2]).hover()
    visitor.page.mouse.down()
    cell(frame, "classroom-07", dates[6]).hover()
    visitor.page.mouse.up()
    expect(frame.locator("td[aria-selected='true']")).to_have_count(10)
    expect(frame.locator("aside .choice")).to_contain_text(
        "10 app-days of 2 apps chosen: 10 collected, 0 missing"
    )
    visitor.page.keyboard.press("Escape")
    expect(frame.locator("aside")).to_be_hidden()


def test_reloading_collected_days_asks_first(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.goes_to("coverage")
    cell(frame, "classroom-12", dates[8]).click()
    frame.get_by_role("button", name="Reload 1…").click()
    dialog = frame.get_by_role("dialog")
    expect(dialog).to_contain_text("Ask again for 1 day already collected?")
    before = live.sandbox("GET", "stats")["requests"]
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert live.sandbox("GET", "stats")["requests"] == before
    frame.get_by_role("button", name="Reload 1…").click()
    frame.get_by_role("dialog").get_by_role("button", name="Reload 1 app-day").click()
    expect(frame.get_by_role("status")).to_contain_text("success", timeout=COLLECTED_BY_RUN)
    assert last_runs_conf(live)[0]["reload"] is True


def test_search_order_and_dates(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.goes_to(f"coverage?search=CLASS&sort=name&from_date={dates[3]}&to_date={dates[5]}")
    names = [name for (name,) in live.sql("select name from core.app where name like 'class%' order by 1")]
    assert frame.locator(".grid tbody th span").all_inner_texts() == names
    assert frame.locator(CELLS).count() == 3 * len(names)
    visitor.turns_to("coverage?search=nobody")
    expect(frame.locator(".empty")).to_contain_text("No app has “nobody”")


def test_a_viewer_is_told_why_there_is_no_button(
    live: LiveStack, chromium: Browser, dates: list[str]
) -> None:
    with Visitor.logged_in(live, chromium, role="viewer") as viewer:
        frame = viewer.goes_to("coverage")
        cell(frame, "support-13", dates[0]).click()
        expect(frame.locator("aside .choice")).to_contain_text("right to trigger agora_bandwidth_backfill")
        expect(frame.locator("aside button")).to_have_count(0)


def test_the_tab_of_a_dag_shows_it_and_that_of_another_says_no(visitor: Visitor) -> None:
    frame = visitor.goes_to("coverage", "/dags/agora_bandwidth_daily/plugin/bandwidth_of_dag")
    assert frame.locator(CELLS).count() > 0
    visitor.page.goto(f"{visitor.ui_url}/agora/bandwidth/?dag=somebody_elses")
    expect(visitor.page.locator(".empty")).to_contain_text("does not collect bandwidth")
