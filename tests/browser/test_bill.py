"""The Bill view and its CSV file show the same figures as SQL."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Route, expect

from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack

METHODS = (
    "p95_kbps",
    "peak_kbps",
    "mean_daily_peak_kbps",
    "mean_daily_p95_kbps",
    "fourth_peak_kbps",
    "top_five_mean_kbps",
)
# Per row of the table: the heading, then the exact figures from the tooltips.
SHOWN = """
rows => rows.map(row => [
  row.querySelector("th").innerText,
  ...[...row.querySelectorAll("td.number")].slice(0, 7)
    .map(cell => cell.querySelector("span").title.split(" ")[0]),
])
"""


@pytest.fixture
def month(live: LiveStack) -> str:
    """Return the newest month with a bill."""
    newest: str = live.sql("select to_char(max(month), 'YYYY-MM') from mart.billing_monthly")[0][0]
    return newest


def shown_figures(frame: Frame) -> dict[str, list[float]]:
    """Return the exact figures by app: one for each method, then the volume."""
    expect(frame.locator("td[title='calculating']")).to_have_count(0)
    rows = frame.locator(".bills thead tr.total, .bills tbody tr").evaluate_all(SHOWN)
    return {row[0]: [float(figure) for figure in row[1:]] for row in rows}


def figures_in_sql(live: LiveStack, month: str) -> dict[str, list[float]]:
    columns = ", ".join(METHODS)
    in_month = f"month = '{month}-01'"
    volume = (
        "(select sum(volume_bytes) from mart.bandwidth_daily as daily"
        f" where date_trunc('month', usage_date) = '{month}-01' and {{}})"
    )
    apps = live.sql(
        f"select (select name from core.app where app.app_id = bill.app_id), {columns},"
        f" {volume.format('daily.app_id = bill.app_id')} from mart.billing_monthly as bill where {in_month}"
    )
    ((*total,),) = live.sql(
        f"select {columns}, {volume.format('true')} from mart.billing_monthly_total where {in_month}"
    )
    return {"Total of all apps": list(map(float, total))} | {
        name: list(map(float, row)) for name, *row in apps
    }


def test_every_figure_equals_sql(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.go_to(f"bill?month={month}")
    assert shown_figures(frame) == figures_in_sql(live, month)


def test_an_app_with_missing_points_shows_the_status(live: LiveStack, visitor: Visitor) -> None:
    """The incomplete day is several days old and may be in the previous month."""
    ((name, month, points, expected, status, days, calendar_days),) = live.sql(
        "select app_name, to_char(month, 'YYYY-MM'), bill.points, bill.expected_points, bill.status,"
        " bill.expected_days, bill.calendar_days"
        " from mart.coverage join mart.billing_monthly as bill using (app_id, app_name)"
        " where state = 'partial' and month = date_trunc('month', usage_date)"
    )
    frame = visitor.go_to(f"bill?month={month}")
    state = frame.locator(".bills tbody tr", has_text=name).locator("td").first
    part = "" if days == calendar_days else f", {days} of {calendar_days} days"
    assert points < expected
    assert status == ("running" if month == f"{live.today:%Y-%m}" else "incomplete")
    expect(state).to_have_text(f"◐ {status}: {points:,} of {expected:,} points{part}")


def with_days(status: str, days: int) -> dict[str, object]:
    return {"status": status, "is_final": status == "final", "expected_days": days, "calendar_days": 31}


@pytest.mark.parametrize(
    ("status", "days", "text"),
    [
        ("final", 31, "✓ final"),
        ("final", 4, "✓ final: 4 of 31 days"),
        ("part of the month", 4, "◑ part of the month: 4 of 31 days"),
        ("running", 31, "… running"),
        ("running", 12, "… running: 12 of 31 days"),
    ],
)
def test_the_status_shows_the_number_of_days(
    visitor: Visitor, month: str, status: str, days: int, text: str
) -> None:
    def with_status(route: Route) -> None:
        response = route.fetch()
        bill = response.json()
        points = {"app_points": 288 * days, "expected_app_points": 288 * days}
        apps = [app | with_days(status, days) | points for app in bill["apps"]]
        route.fulfill(response=response, json=bill | {"apps": apps})

    visitor.page.route("**/api/bill?*", with_status)
    frame = visitor.go_to(f"bill?month={month}")
    expect(frame.locator(".bills tbody tr").first.locator("td").first).to_have_text(text)


def test_an_incomparable_month_shows_a_reason_instead_of_a_percentage(visitor: Visitor, month: str) -> None:
    def with_four_days(route: Route) -> None:
        response = route.fetch()
        bill = response.json()
        part = with_days("part of the month", 4) | {"app_points": 4, "expected_app_points": 4}
        rows = [bill["total"], *bill["apps"]]
        for row in rows:
            row["before"] = {**row, **part}
            row["change_percent"] = dict.fromkeys(METHODS)
        route.fulfill(response=response, json=bill | {"is_over": True})

    visitor.page.route("**/api/bill?*", with_four_days)
    frame = visitor.go_to(f"bill?month={month}")
    expect(frame.locator(".notes")).to_contain_text("covers 4 of 31 days")
    change = frame.locator(".bills tbody tr").first.locator("td.number small span").first
    expect(change).to_have_text("–")
    expect(change).to_have_attribute("title", re.compile("^Not compared: .* covers 4 of 31 days.$"))


def test_the_csv_file_matches_the_view(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.go_to_in_airflow(f"bill?month={month}")
    with visitor.page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == f"agora_bill_{month}.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["month"] for row in rows} == {month}
    in_file = {
        row["app_name"] or "Total of all apps": [float(row[name]) for name in (*METHODS, "volume_bytes")]
        for row in rows
    }
    assert in_file == shown_figures(frame)


def test_a_running_month_marks_its_projections(live: LiveStack, visitor: Visitor, month: str) -> None:
    if month != f"{live.today:%Y-%m}":
        pytest.skip("On the first of a month, no day of the month is over, so it has no bill yet.")
    frame = visitor.go_to(f"bill?month={month}")
    expect(frame.locator(".panel .state")).to_contain_text("running")
    tiles = frame.get_by_role("group", name="Total of all apps")
    expect(tiles).to_contain_text("projected ≥")
    peak, projected = tiles.locator(".tile").nth(1).locator("b, .line").all_inner_texts()[:2]
    assert projected == f"projected ≥ {peak}"


def test_columns_are_sorted_by_keyboard(visitor: Visitor, month: str) -> None:
    frame = visitor.go_to(f"bill?month={month}")
    frame.get_by_role("button", name="App", exact=True).press("Enter")
    names = frame.locator(".bills tbody th").all_inner_texts()
    assert names == sorted(names)
    frame.get_by_role("button", name="App").press("Enter")
    assert frame.locator(".bills tbody th").all_inner_texts() == names[::-1]
    expect(frame.locator("th[aria-sort=descending]")).to_have_text("App ▼")


def test_table_choices_survive_a_change_of_month(live: LiveStack, visitor: Visitor, month: str) -> None:
    if len(live.sql("select distinct month from mart.billing_monthly")) < 2:
        pytest.skip("All collected days are in one month, so there is no previous month.")
    frame = visitor.go_to(f"bill?month={month}")
    frame.get_by_role("button", name="App", exact=True).press("Enter")
    frame.get_by_label("Search").fill("05")
    frame.get_by_label("Search").press("Enter")
    frame.locator("#view:not([aria-busy]) .panel.bill").wait_for()
    expect(frame.locator(".bills tr.total th")).to_contain_text("Subtotal")
    frame.get_by_label("Below each figure").select_option("nothing")
    before = frame.get_by_role("button", name="Previous month")
    before.press("Enter")
    expect(frame.locator("#month")).not_to_have_value(month)
    expect(frame.locator("th[aria-sort=ascending]")).to_have_text("App ▲")
    expect(frame.get_by_label("Search")).to_have_value("05")
    expect(frame.get_by_label("Below each figure")).to_have_value("nothing")
    expect(before).to_be_focused()


def test_each_page_of_a_long_bill_starts_at_the_top(visitor: Visitor, month: str) -> None:
    """The bill contains the stack's twenty apps eleven times."""

    def lengthen(route: Route) -> None:
        response = route.fetch()
        bill = response.json()
        route.fulfill(response=response, json=bill | {"apps": bill["apps"] * 11})

    visitor.page.route("**/api/bill?*", lengthen)
    frame = visitor.go_to(f"bill?month={month}")
    table = frame.get_by_role("region", name="Bill per app")
    table.evaluate("table => { table.scrollTop = 2000; }")
    frame.get_by_role("button", name="Next ›", exact=True).press("Enter")
    expect(frame.locator(".pages")).to_contain_text("101–200 of 220 apps")
    assert table.evaluate("table => table.scrollTop") == 0
    expect(frame.get_by_role("button", name="Next ›", exact=True)).to_be_focused()
    frame.get_by_role("button", name="Next ›", exact=True).press("Enter")
    expect(frame.locator(".pages")).to_contain_text("201–220 of 220 apps")
    expect(frame.get_by_role("button", name="‹ Previous", exact=True)).to_be_focused()


def test_chart_and_tiles_format_figures_alike(visitor: Visitor, month: str) -> None:
    frame = visitor.go_to(f"bill?month={month}")
    frame.locator(".chart.js-plotly-plot").wait_for()
    labels, unit = frame.locator(".chart").evaluate(
        "chart => [chart.data.at(-1).text, chart._fullLayout.yaxis.title.text]"
    )
    tiles = frame.locator(".tile > b").all_inner_texts()[: len(METHODS)]
    # A tile may use a smaller unit for a small figure. The chart uses one unit for all figures.
    pairs = [pair for pair in zip(labels, tiles, strict=True) if pair[1].endswith(f" {unit}")]
    assert pairs
    assert [f"{label} {unit}" for label, _ in pairs] == [tile for _, tile in pairs]
