"""The history of an app-day: its contents, its address, and how it opens and closes."""

from __future__ import annotations

import re

from playwright.sync_api import Frame, Locator, expect

from tests.browser.coverage_grid import COLLECTED_BY_RUN, cell, without
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack


def history(frame: Frame) -> Locator:
    return frame.locator("dialog.day-history")


def partial_day(live: LiveStack) -> tuple[str, str, str]:
    """Return the App ID, the name and the usage date of the partial day."""
    ((app_id, name, usage_date),) = live.sql(
        "select app_id, app_name, usage_date::text from mart.coverage where state = 'partial'"
    )
    return app_id, name, usage_date


def test_a_click_shows_every_recorded_response(live: LiveStack, visitor: Visitor) -> None:
    app_id, name, usage_date = partial_day(live)
    live.sql(
        "insert into raw.bandwidth_response"
        " (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
        f" values ('{app_id}', '{usage_date}', now() - interval '400 days', 500,"
        " '{\"message\": \"<b>down'::bytea, '\\x01')"
    )
    try:
        frame = visitor.go_to("coverage")
        cell(frame, name, usage_date).click()
        rows = history(frame).locator("tbody tr")
        ((responses,),) = live.sql(
            "select count(*) from raw.bandwidth_response"
            f" where app_id = '{app_id}' and usage_date = '{usage_date}'"
        )
        expect(rows).to_have_count(responses)
        expect(rows.first).to_contain_text("282")
        expect(rows.last).to_contain_text("500")
        expect(rows.last).to_contain_text("<b>down")
        expect(history(frame)).to_contain_text("282 of 288 points")
        history(frame).locator(".chart.js-plotly-plot").wait_for()
        visitor.take_picture("day_history")
        history(frame).get_by_role("link", name="Traffic of this day").click()
        frame.locator(".panel.traffic .chart.js-plotly-plot").wait_for()
        expect(frame.locator("#traffic-from")).to_have_value(usage_date)
        expect(frame.locator(f"#chip-{app_id}")).to_be_visible()
    finally:
        live.sql("delete from raw.bandwidth_response where fetched_at < now() - interval '300 days'")


def test_the_keyboard_opens_and_closes_a_history(visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to("coverage?sort=name")
    day = cell(frame, "classroom-02", dates[3])
    day.focus()
    visitor.page.keyboard.press("Enter")
    expect(history(frame)).to_contain_text("recorded response")
    assert "day=" in visitor.page.url
    visitor.page.keyboard.press("Escape")
    expect(history(frame)).to_have_count(0)
    expect(day).to_be_focused()
    assert "day=" not in visitor.page.url
    visitor.page.keyboard.press("Space")
    expect(day).to_have_attribute("aria-selected", "true")


def test_a_link_reproduces_the_open_day_and_the_selection(visitor: Visitor, dates: list[str]) -> None:
    frame = visitor.go_to_in_airflow("coverage?sort=name")
    cell(frame, "classroom-02", dates[2]).focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowDown"):
        visitor.page.keyboard.press(key)
    cell(frame, "overseas-04", dates[5]).click()
    visitor.page.wait_for_url(re.compile("selected=.*day="))
    visitor.page.reload()
    frame = visitor.frame
    expect(history(frame)).to_contain_text("overseas-04")
    expect(frame.locator("td[aria-selected='true']")).to_have_count(4)
    expect(frame.locator("aside .selection")).to_contain_text("4 app-days of 2 apps selected")


def test_a_missing_day_is_collected_from_its_history(
    live: LiveStack, visitor: Visitor, dates: list[str]
) -> None:
    with without(live, "support-13", dates[6]):
        frame = visitor.go_to("coverage")
        missing = cell(frame, "support-13", dates[6])
        missing.click()
        expect(history(frame)).to_contain_text("pending")
        history(frame).get_by_role("button", name="Collect 1 missing").click()
        expect(history(frame)).to_have_count(0)
        expect(missing).to_have_class("collected", timeout=COLLECTED_BY_RUN)


def test_an_unknown_app_in_the_address_is_reported(visitor: Visitor) -> None:
    frame = visitor.go_to("coverage?day=nobody,2026-11-01")
    expect(history(frame).get_by_role("alert")).to_contain_text("Unknown App ID: nobody")
    history(frame).get_by_role("button", name="Close").click()
    expect(history(frame)).to_have_count(0)


def test_headings_and_notices_react_to_clicks(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "support-08", dates[4]):
        frame = visitor.go_to("coverage?sort=name")
        frame.locator(".grid .dates th").nth(5).click()
        expect(frame.locator("aside .selection")).to_contain_text("20 app-days of 20 apps selected")
        frame.locator(".grid .all-apps td").nth(4).focus()
        visitor.page.keyboard.press("Enter")
        expect(frame.locator("#coverage-from_date")).to_have_value(dates[4])
        expect(frame.locator("#coverage-to_date")).to_have_value(dates[4])
        expect(frame.locator(".grid tbody th").first).to_contain_text("support-08")
        visitor.switch_to("coverage?sort=name")
        frame.locator(".expiring a").first.click()
        expect(frame.locator("#coverage-from_date")).to_have_value(dates[4])
        frame.locator(".grid tbody th a").first.click()
        frame.locator(".panel.traffic").wait_for()
        expect(frame.locator("#traffic-from")).to_have_value(dates[4])
