"""The view Health: what it says is in the warehouse, and its runs are Airflow's."""

from __future__ import annotations

import re

from playwright.sync_api import Frame, expect

from tests.browser.visitor import Visitor
from tests.dags.stack import LiveStack


def tile(frame: Frame, label: str) -> str:
    """Return a tile's figure."""
    return frame.locator(".tile", has_text=label).locator("b").inner_text()


def test_figures_are_what_sql_says(live: LiveStack, visitor: Visitor) -> None:
    frame = visitor.goes_to("health")
    ((app_days, lost),) = live.sql(
        "select count(*) filter (where days_left >= 0), count(*) filter (where state = 'lost')"
        " from mart.coverage"
    )
    ((requests, limited),) = live.sql("select sum(requests), sum(limited) from mart.collection_run")
    assert tile(frame, "App-days of the window") == f"{app_days:,}"
    assert tile(frame, "Lost for good") == str(lost)
    assert tile(frame, "Requests, last 31 days") == f"{requests:,}"
    expect(frame.locator(".tile", has_text="Requests, last 31 days")).to_contain_text(
        f"{limited} answered 429"
    )
    expect(frame.locator(".verdict")).to_contain_text("1 app-day of 1 app is not complete")


def test_the_last_run_is_told_and_leads_to_airflow(live: LiveStack, visitor: Visitor) -> None:
    run = live.trigger("agora_bandwidth_daily")
    frame = visitor.goes_to("health")
    first = frame.locator("table", has_text="App-days").locator("tbody tr").first
    expect(first).to_contain_text("succeeded")
    expect(first).to_contain_text(run.run_id)
    expect(first).to_contain_text(run.note.removeprefix("Result: ").partition("\n")[0])
    first.get_by_role("link").click()
    visitor.page.wait_for_url(re.compile("/dags/agora_bandwidth_daily/runs/"))


def test_an_account_shows_its_zone_and_window(visitor: Visitor) -> None:
    frame = visitor.goes_to("health")
    account = frame.locator("tr", has_text="agora_dashboard").last
    expect(account).to_contain_text("UTC")
    expect(account).to_contain_text("1 mon")
