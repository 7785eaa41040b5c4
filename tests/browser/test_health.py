"""The Health view shows the warehouse's figures and Airflow's runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Frame, expect

from agora.text import format_count
from tests.browser.coverage_grid import without
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack


def tile(frame: Frame, label: str) -> str:
    """Return a tile's figure."""
    figure: str = frame.locator(".tile", has_text=label).locator("b").inner_text()
    return figure


def test_figures_equal_sql(live: LiveStack, visitor: Visitor) -> None:
    live.end_runs()
    frame = visitor.go_to("health")
    ((app_days, lost, missing, incomplete_apps),) = live.sql(
        "select count(*) filter (where days_left >= 0), count(*) filter (where state = 'lost'),"
        " count(*) filter (where days_left >= -2 and state not in ('collected', 'lost')),"
        " count(distinct app_id) filter (where days_left >= -2 and state not in ('collected', 'lost'))"
        " from mart.coverage"
    )
    ((requests, limited),) = live.sql("select sum(requests), sum(limited) from mart.collection_run")
    assert tile(frame, "App-days in the vendor window") == f"{app_days:,}"
    assert tile(frame, "Lost app-days") == str(lost)
    assert tile(frame, "Requests, last 31 days") == f"{requests:,}"
    expect(frame.locator(".tile", has_text="Requests, last 31 days")).to_contain_text(
        f"{limited} throttled (HTTP 429)"
    )
    assert missing > 0, "the sandbox withholds points of one day"
    be = "is" if missing == 1 else "are"
    expect(frame.locator(".notice").first).to_contain_text(
        f"{format_count(missing, 'app-day')} of {format_count(incomplete_apps, 'app')} {be} incomplete"
    )


def test_a_missing_pool_is_named_on_top(live: LiveStack, visitor: Visitor) -> None:
    pool = live.call("GET", "/api/v2/pools/agora_api")
    live.call("DELETE", "/api/v2/pools/agora_api")
    try:
        frame = visitor.go_to("health")
        expect(frame.locator(".notice").first).to_contain_text("The pool agora_api does not exist")
    finally:
        definition = {name: pool[name] for name in ("name", "slots", "description", "include_deferred")}
        live.call("POST", "/api/v2/pools", definition)


def test_the_last_run_is_shown_and_links_to_airflow(live: LiveStack, visitor: Visitor) -> None:
    run = live.trigger("agora_bandwidth_daily")
    frame = visitor.go_to_in_airflow("health")
    first = frame.locator("table", has_text="App-days").locator("tbody tr").first
    expect(first).to_contain_text("succeeded")
    expect(first).to_contain_text(run.run_id)
    expect(first).to_contain_text(run.note.removeprefix("Result: ").partition("\n")[0])
    ((app_days, received, points, changed, requests, retries, limited, failed_apps, states),) = live.sql(
        "select app_days, app_days_received, points_received, app_days_changed, requests, retries, limited,"
        " failed_apps, array[collected, partial, rejected, failed, lost, pending]"
        f" from mart.collection_run where run_id = '{run.run_id}'"
    )
    expect(first.locator(".number")).to_have_text(
        [
            f"{app_days:,}",
            f"{received:,}{format_count(points, 'point')}",
            f"{changed:,}",
            f"{requests:,}{retries:,} retr{'y' if retries == 1 else 'ies'}{limited:,} throttled",
            f"{failed_apps:,}",
        ]
    )
    named = ("collected", "partial", "rejected", "failed", "lost", "pending")
    assert sorted(first.locator(".states span").all_inner_texts()) == sorted(
        f"{number:,} {state}" for number, state in zip(states, named, strict=True) if number
    )
    first.get_by_role("link").click()
    visitor.page.wait_for_url(re.compile("/dags/agora_bandwidth_daily/runs/"))


def test_an_account_shows_its_zone_and_window(visitor: Visitor) -> None:
    frame = visitor.go_to("health")
    account = frame.locator("tr", has_text="agora_dashboard").last
    expect(account.locator("td").nth(1)).to_have_text("UTC")
    expect(account.locator("td").nth(2)).to_have_text("1 month")


def test_an_account_shows_its_newest_refused_day(live: LiveStack, visitor: Visitor, dates: list[str]) -> None:
    with without(live, "meetings-01", dates[-20]):
        ((usage_date,),) = live.sql(
            "insert into core.app_day"
            " (app_key, usage_date, starts_at, state, points, attempts, http_status, reason, conn_id)"
            f" select app_key, '{dates[-20]}', '{dates[-20]}'::timestamp at time zone 'UTC', 'failed', 0, 1,"
            " 400, 'HTTP 400: <b>too old', 'agora_dashboard' from core.app where name = 'meetings-01'"
            " returning to_char(usage_date, 'FMDD FMMonth YYYY')"
        )
        frame = visitor.go_to("health")
        account = frame.locator("tr", has_text="agora_dashboard").last
        expect(account.locator("td").nth(3)).to_contain_text(usage_date)
        expect(account.locator("td").nth(3)).to_contain_text("HTTP 400: <b>too old")


RESTATE = """
insert into core.restatement (
    app_key, usage_date, restated_at, points_changed, points_added, old_collected_at, new_collected_at,
    old_body_sha256, new_body_sha256, old_starts_at, new_starts_at, old_sum_kbps, new_sum_kbps
)
select app_key, current_date - 9, now() - {age}::interval, 288, 0, now(), now(), '\\x01', '\\x02',
    '2026-11-01Z'::timestamptz, '2026-11-01Z'::timestamptz + {moved}::interval, 288 * {old}, 288 * {new}
from core.app where name = '{name}'
"""


@pytest.fixture
def restated(live: LiveStack) -> Iterator[None]:
    """Restate three days: one to nearly nothing weeks ago, one to half, and one in another time zone."""
    live.sql(RESTATE.format(age="'20 days'", moved="'0'", old=2_000_000, new=1_000, name="classroom-02"))
    live.sql(RESTATE.format(age="'2 days'", moved="'0'", old=2_000, new=1_000, name="meetings-01"))
    live.sql(RESTATE.format(age="'1 day'", moved="'-8 hours'", old=100, new=300, name="overseas-04"))
    yield
    live.sql("delete from core.restatement where old_body_sha256 = '\\x01'")


def test_a_drop_is_shown_until_it_is_reviewed(live: LiveStack, visitor: Visitor, restated: None) -> None:
    frame = visitor.go_to("health")
    notice = frame.locator(".notice.warning", has_text="restated 1 app-day to less than half")
    rows = frame.locator(".restatements tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("classroom-02")
    expect(rows.nth(0)).to_contain_text("2 Gbps → 1 Mbps")
    expect(rows.nth(0)).to_contain_text("dropped to less than half")
    expect(rows.nth(0)).to_contain_text("not yet")
    expect(rows.nth(1)).to_contain_text("time zone corrected: the day starts 8 h earlier")
    expect(rows.nth(2)).not_to_contain_text("less than half")
    notice.get_by_role("button", name="Mark as reviewed").press("Enter")
    expect(notice).to_have_count(0)
    expect(frame.locator("#reviewed")).to_have_text("✓ Marked as reviewed by admin.")
    expect(frame.locator("#reviewed")).to_be_focused()
    reviewed = "select app_name from mart.restatement where reviewed_by = 'admin' and reviewed_at is not null"
    assert live.sql(reviewed) == [("classroom-02",)], "no later restatement is marked"
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("classroom-02")
    expect(rows.nth(2)).to_contain_text("by admin")


def test_a_failed_review_is_explained_and_can_be_retried(
    live: LiveStack, visitor: Visitor, restated: None
) -> None:
    frame = visitor.go_to("health")
    visitor.page.route("**/api/restatements/review", lambda route: route.abort())
    button = frame.get_by_role("button", name="Mark as reviewed")
    button.click()
    expect(frame.get_by_role("alert")).to_contain_text("Airflow does not respond")
    expect(button).to_be_enabled()
    visitor.page.unroute("**/api/restatements/review")
    button.click()
    expect(button).to_have_count(0)
    assert all("ERR_FAILED" in error for error in visitor.errors)
    visitor.errors.clear()


def test_a_viewer_sees_which_right_reviewing_requires(
    live: LiveStack, chromium: Browser, restated: None
) -> None:
    with Visitor.logged_in(live, chromium, role="viewer") as viewer:
        frame = viewer.go_to("health")
        notice = frame.locator(".notice.warning", has_text="to less than half")
        expect(notice).to_contain_text("right to edit agora_bandwidth_daily")
        expect(notice.get_by_role("button")).to_have_count(0)


@pytest.fixture
def failed(live: LiveStack) -> Iterator[str]:
    """Yield a nightly run that is marked failed and followed by more queued runs than the list shows."""
    live.end_runs()
    run = live.trigger("agora_bandwidth_daily")
    path = f"/api/v2/dags/{run.dag_id}/dagRuns/{quote(run.run_id)}"
    paused = "/api/v2/dags/agora_bandwidth_retention"  # its runs stay queued
    runs = f"{paused}/dagRuns"
    live.call("PATCH", paused, {"is_paused": True})
    live.call("PATCH", path, {"state": "failed"})
    waiting = [live.call("POST", runs, {"logical_date": None})["dag_run_id"] for _ in range(31)]
    yield run.run_id
    for run_id in waiting:
        live.call("DELETE", f"{runs}/{quote(run_id)}")
    live.call("PATCH", paused, {"is_paused": False})
    live.call("PATCH", path, {"state": "success"})


def test_a_failure_is_shown_despite_many_queued_runs(visitor: Visitor, failed: str) -> None:
    frame = visitor.go_to("health")
    runs = frame.get_by_role("region", name="Last runs")
    expect(runs.locator("tbody tr")).to_have_count(30)
    expect(runs).not_to_contain_text(failed)
    notice = frame.locator(".notice", has_text="The last run of agora_bandwidth_daily failed")
    expect(notice.get_by_role("link")).to_have_attribute(
        "href", re.compile(re.escape(quote(failed, safe="")))
    )
    last = frame.locator(".tile", has_text="Last run ended")
    expect(last).to_contain_text("agora_bandwidth_daily")
    expect(last).to_contain_text("failed")


def test_the_next_run_of_each_dag_is_shown_and_a_paused_one_stands_out(
    live: LiveStack, visitor: Visitor
) -> None:
    nightly = "/api/v2/dags/agora_bandwidth_daily"
    frame = visitor.go_to("health")
    row = frame.locator(".schedules tr", has_text="agora_bandwidth_daily")
    expect(row).to_contain_text("scheduled")
    expect(frame.locator(".schedules tbody tr")).to_have_count(5)
    live.call("PATCH", f"{nightly}?update_mask=is_paused", {"is_paused": True})
    try:
        frame = visitor.go_to("health")
        expect(frame.locator(".schedules tr.problem")).to_have_count(1)
        expect(frame.locator(".notice.warning", has_text="agora_bandwidth_daily")).to_contain_text(
            "agora_bandwidth_daily is not running on schedule. The DAG is paused."
        )
    finally:
        live.call("PATCH", f"{nightly}?update_mask=is_paused", {"is_paused": False})
