"""The view Bill: its figures are SQL's, and its file holds the same."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Frame, expect

from tests.browser.visitor import Visitor
from tests.dags.stack import LiveStack

METHODS = (
    "p95_kbps",
    "peak_kbps",
    "mean_daily_peak_kbps",
    "mean_daily_p95_kbps",
    "fourth_peak_kbps",
    "top_five_mean_kbps",
)
# Of each row of the table: its head, then the exact figures, which are what pointing at them shows.
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


def shown(frame: Frame) -> dict[str, list[float]]:
    """Return the exact figures by app: each method's, then the volume."""
    expect(frame.locator("td[title='being added up']")).to_have_count(0)
    rows = frame.locator(".bills thead tr.total, .bills tbody tr").evaluate_all(SHOWN)
    return {row[0]: [float(figure) for figure in row[1:]] for row in rows}


def in_sql(live: LiveStack, month: str) -> dict[str, list[float]]:
    columns = ", ".join(METHODS)
    of_month = f"month = '{month}-01'"
    volume = (
        "(select sum(volume_bytes) from mart.bandwidth_daily as daily"
        f" where date_trunc('month', usage_date) = '{month}-01' and {{}})"
    )
    apps = live.sql(
        f"select (select name from core.app where app.app_id = bill.app_id), {columns},"
        f" {volume.format('daily.app_id = bill.app_id')} from mart.billing_monthly as bill where {of_month}"
    )
    ((*total,),) = live.sql(
        f"select {columns}, {volume.format('true')} from mart.billing_monthly_total where {of_month}"
    )
    return {"All apps, summed": list(map(float, total))} | {
        name: list(map(float, row)) for name, *row in apps
    }


def test_every_figure_is_what_sql_says(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.goes_to(f"bill?month={month}")
    assert shown(frame) == in_sql(live, month)
    state = frame.locator(".bills tr", has_text="livestream-05").locator("td").first
    expect(state).to_contain_text("so far, incomplete")


def test_the_file_equals_the_view(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.goes_to(f"bill?month={month}")
    with visitor.page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == f"agora_bill_{month}.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["month"] for row in rows} == {month}
    held = {
        row["app_name"] or "All apps, summed": [float(row[name]) for name in (*METHODS, "volume_bytes")]
        for row in rows
    }
    assert held == shown(frame)


def test_a_running_month_says_so_and_marks_what_is_projected(visitor: Visitor, month: str) -> None:
    frame = visitor.goes_to(f"bill?month={month}")
    expect(frame.locator(".panel")).to_contain_text("so far")
    tiles = frame.get_by_role("group", name="All apps together")
    expect(tiles).to_contain_text("projected ≥")
    peak, projected = tiles.locator(".tile").nth(1).locator("b, .line").all_inner_texts()[:2]
    assert projected == f"projected ≥ {peak}"


def test_columns_are_sorted_by_keyboard(visitor: Visitor, month: str) -> None:
    frame = visitor.goes_to(f"bill?month={month}")
    frame.get_by_role("button", name="App", exact=True).press("Enter")
    names = frame.locator(".bills tbody th").all_inner_texts()
    assert names == sorted(names)
    frame.get_by_role("button", name="App").press("Enter")
    assert frame.locator(".bills tbody th").all_inner_texts() == names[::-1]
    expect(frame.locator("th[aria-sort=descending]")).to_have_text("App ▼")
