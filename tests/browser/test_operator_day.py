"""An operator's morning: the nightly run's outcome, missing days, their cause, and a run to collect them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Locator, expect

from tests.browser.coverage_grid import COLLECTED_BY_RUN, cell, without
from tests.browser.visitor import Theme, Visitor
from tests.stack.stack import LiveStack

NIGHTLY = "/api/v2/dags/agora_bandwidth_daily"
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (900, 1440)]


def strip(frame: Frame, label: str) -> Locator:
    """Return an item of the strip."""
    return frame.locator("#strip dl > div").filter(has=frame.get_by_text(label, exact=True))


@pytest.fixture
def incomplete_night(live: LiveStack, dates: list[str]) -> Iterator[str]:
    """Yield a usage date that lacks an app-day."""
    with without(live, "support-08", dates[-3]):
        yield dates[-3]


def test_from_the_strip_to_the_cause_and_its_fix(
    live: LiveStack, visitor: Visitor, incomplete_night: str
) -> None:
    frame = visitor.go_to("health")
    expect(strip(frame, "Last run").get_by_role("link")).to_have_text("✓ succeeded")
    expect(strip(frame, "Last run").get_by_role("link")).to_have_attribute(
        "href", re.compile("/dags/agora_bandwidth_daily/runs/")
    )
    expect(strip(frame, "Next run")).to_contain_text(":")
    ((app_days, missing),) = live.sql(
        "select count(*), count(*) filter (where not is_complete) from mart.coverage where days_left >= 0"
    )
    share = 1000 * (app_days - missing) // app_days / 10
    expect(strip(frame, "Vendor window")).to_contain_text(f"{share} % complete")
    expect(strip(frame, "Vendor window")).to_contain_text(f"{missing} of {app_days} missing")
    visitor.take_picture("operator_strip")
    strip(frame, "Expires next").get_by_role("link").click()
    frame.locator(".panel.coverage .grid").wait_for()
    visitor.switch_to("coverage?sort=missing")
    day = cell(frame, "support-08", incomplete_night)
    day.click()
    expect(frame.locator("dialog.day-history")).to_contain_text("pending")
    visitor.page.keyboard.press("Escape")
    run = frame.get_by_role("button", name=re.compile(f"Run now: collect {missing} missing"))
    run.click()
    expect(strip(frame, "Run")).to_contain_text("daily")
    expect(frame.locator("#run-now-reason")).to_contain_text("already active")
    expect(day).to_have_class("collected", timeout=COLLECTED_BY_RUN)
    expect(strip(frame, "Last run")).to_contain_text("succeeded", timeout=COLLECTED_BY_RUN)
    expect(strip(frame, "Last 24 hours")).to_contain_text("collected")
    (newest,) = live.call("GET", f"{NIGHTLY}/dagRuns?order_by=-run_after&limit=1&run_type=manual")["dag_runs"]
    assert newest["triggering_user_name"] == "admin"


def test_coverage_follows_runs_started_elsewhere(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    visitor.page.set_viewport_size({"width": 1440, "height": 690})  # the grid scrolls
    frame = visitor.go_to("coverage?sort=name")
    chosen = cell(frame, "classroom-07", dates[5])
    chosen.focus()
    visitor.page.keyboard.press("Shift+ArrowRight")
    frame.locator(".coverage .scroll").evaluate("place => { place.scrollTop = 30; }")
    frame.evaluate("window.isSamePage = true")
    with without(live, "support-18", dates[-4]):
        day = cell(frame, "support-18", dates[-4])
        expect(day).to_have_class("pending")
        live.trigger("agora_bandwidth_daily")
        expect(day).to_have_class("collected")
    assert frame.evaluate("window.isSamePage")
    expect(cell(frame, "classroom-07", dates[6])).to_be_focused()
    expect(frame.locator("td[aria-selected='true']")).to_have_count(2)
    assert frame.locator(".coverage .scroll").evaluate("place => place.scrollTop") == 30


def test_health_follows_runs_started_elsewhere(live: LiveStack, visitor: Visitor) -> None:
    frame = visitor.go_to("health")
    frame.locator("details summary").first.click()
    frame.locator(".runs a").nth(1).focus()
    run = live.trigger("agora_bandwidth_daily")
    expect(frame.locator(".runs tbody tr").first).to_contain_text(run.run_id)
    expect(frame.locator("details").first).to_have_attribute("open", "")
    expect(frame.locator(".runs a").nth(1)).to_be_focused()
    expect(frame.locator(".chart.js-plotly-plot")).to_have_count(1)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_strip_and_the_history_in_each_look(
    live: LiveStack, chromium: Browser, dates: list[str], theme: Theme, width: int
) -> None:
    with Visitor.logged_in(live, chromium, theme=theme) as visitor:
        visitor.resize(width)
        frame = visitor.go_to("coverage?sort=name")
        strip(frame, "Vendor window").wait_for()
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visitor.take_picture(f"operator_coverage_{theme}_{width}")
        cell(frame, "classroom-07", dates[5]).click()
        frame.locator("dialog.day-history .chart.js-plotly-plot").wait_for()
        assert frame.locator("dialog.day-history").evaluate("own => own.scrollWidth <= own.clientWidth")
        visitor.take_picture(f"operator_day_{theme}_{width}")


def test_a_viewer_sees_why_the_button_is_inactive(live: LiveStack, chromium: Browser) -> None:
    with Visitor.logged_in(live, chromium, role="viewer") as viewer:
        frame = viewer.go_to("coverage")
        expect(frame.locator("#run-now-reason")).to_contain_text("right to trigger agora_bandwidth_daily")
        before = live.call("GET", f"{NIGHTLY}/dagRuns?limit=1")["total_entries"]
        expect(frame.locator("#run-now")).to_have_attribute("aria-disabled", "true")
        frame.locator("#run-now").press("Enter")
        assert live.call("GET", f"{NIGHTLY}/dagRuns?limit=1")["total_entries"] == before


def test_a_paused_dag_is_named(live: LiveStack, visitor: Visitor) -> None:
    frame = visitor.go_to("bill")
    live.call("PATCH", f"{NIGHTLY}?update_mask=is_paused", {"is_paused": True})
    try:
        expect(strip(frame, "Next run")).to_contain_text("paused")
        expect(frame.locator("#run-now-reason")).to_contain_text("Unpause")
    finally:
        live.call("PATCH", f"{NIGHTLY}?update_mask=is_paused", {"is_paused": False})
