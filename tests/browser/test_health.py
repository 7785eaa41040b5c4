"""The view Health: what it says is in the warehouse, and its runs are Airflow's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Frame, expect

from tests.browser.visitor import Visitor
from tests.dags.stack import LiveStack


def tile(frame: Frame, label: str) -> str:
    """Return a tile's figure."""
    return frame.locator(".tile", has_text=label).locator("b").inner_text()


def things(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def test_figures_are_what_sql_says(live: LiveStack, visitor: Visitor) -> None:
    live.end_runs()
    frame = visitor.goes_to("health")
    ((app_days, lost, missing, lacking),) = live.sql(
        "select count(*) filter (where days_left >= 0), count(*) filter (where state = 'lost'),"
        " count(*) filter (where days_left >= 0 and state not in ('collected', 'lost')),"
        " count(distinct app_id) filter (where days_left >= 0 and state not in ('collected', 'lost'))"
        " from mart.coverage"
    )
    ((requests, limited),) = live.sql("select sum(requests), sum(limited) from mart.collection_run")
    assert tile(frame, "App-days of the window") == f"{app_days:,}"
    assert tile(frame, "Lost for good") == str(lost)
    assert tile(frame, "Requests, last 31 days") == f"{requests:,}"
    expect(frame.locator(".tile", has_text="Requests, last 31 days")).to_contain_text(
        f"{limited} answered 429"
    )
    assert missing > 0, "the sandbox withholds points of one day"
    be = "is" if missing == 1 else "are"
    expect(frame.locator(".verdict").first).to_contain_text(
        f"{things(missing, 'app-day')} of {things(lacking, 'app')} {be} not complete"
    )


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
    expect(account.locator("td").nth(1)).to_have_text("UTC")
    expect(account.locator("td").nth(2)).to_have_text("1 month")


@pytest.fixture
def failed(live: LiveStack) -> Iterator[str]:
    """Give a nightly run that is marked failed, and after it more waiting runs than the list shows."""
    live.end_runs()
    run = live.trigger("agora_bandwidth_daily")
    path = f"/api/v2/dags/{run.dag_id}/dagRuns/{quote(run.run_id)}"
    paused = "/api/v2/dags/agora_bandwidth_retention"  # its runs wait
    runs = f"{paused}/dagRuns"
    live.call("PATCH", paused, {"is_paused": True})
    live.call("PATCH", path, {"state": "failed"})
    waiting = [live.call("POST", runs, {"logical_date": None})["dag_run_id"] for _ in range(31)]
    yield run.run_id
    for run_id in waiting:
        live.call("DELETE", f"{runs}/{quote(run_id)}")
    live.call("PATCH", paused, {"is_paused": False})
    live.call("PATCH", path, {"state": "success"})


def test_a_failure_is_told_behind_any_number_of_waiting_runs(visitor: Visitor, failed: str) -> None:
    frame = visitor.goes_to("health")
    runs = frame.get_by_role("region", name="Last runs")
    expect(runs.locator("tbody tr")).to_have_count(30)
    expect(runs).not_to_contain_text(failed)
    told = frame.locator(".verdict", has_text="The last run of agora_bandwidth_daily failed")
    expect(told.get_by_role("link")).to_have_attribute("href", re.compile(re.escape(quote(failed, safe=""))))
    last = frame.locator(".tile", has_text="Last run ended")
    expect(last).to_contain_text("agora_bandwidth_daily")
    expect(last).to_contain_text("failed")
