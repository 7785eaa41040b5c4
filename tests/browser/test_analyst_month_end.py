"""An analyst's month-end: one bill per customer, its statement, and a file with the same digits as SQL."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import Theme, Visitor
from tests.stack.stack import LiveStack

LOOKS = [(theme, width) for theme in ("light", "dark") for width in (900, 1440)]


@pytest.fixture(scope="module")
def month(live: LiveStack) -> Iterator[str]:
    """Yield the newest month with a bill, with two billing groups and a contract for one of them."""
    live.sql("update core.app set billing_group = 'customer-one' where name like 'classroom%'")
    live.sql(
        "insert into core.billing_contract (billing_group, method, commit_kbps, tiers, currency, billing_day)"
        """ values ('customer-one', 'p95_kbps', 1000, '[{"from_kbps": 0, "price_per_mbps": 2}]', 'EUR', 1)"""
    )
    yield live.sql("select to_char(max(month), 'YYYY-MM') from mart.billing_monthly")[0][0]
    live.sql("delete from core.billing_contract")
    live.sql("update core.app set billing_group = null")


def test_from_the_total_to_the_customers_bill(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.go_to(f"bill?month={month}")
    expect(frame.locator(".bills tr.total th")).to_have_text("Total of all apps")
    frame.get_by_label("Billing group").select_option("customer-one")
    total = frame.locator(".bills tr.total")
    ((apps, p95, peak),) = live.sql(
        "select (select count(*) from mart.app where billing_group = 'customer-one'), p95_kbps::text,"
        f" peak_kbps from mart.billing_monthly_group where month = '{month}-01'"
        " and billing_group = 'customer-one'"
    )
    expect(total.locator("th")).to_have_text(f"Subtotal of {apps} apps")
    expect(frame.locator(".bills tbody tr")).to_have_count(apps)
    shown = total.locator("td.number > span").first.get_attribute("title")
    assert shown is not None
    assert float(shown.removesuffix(" kbps")) == float(p95)
    unit = "Gbps" if peak >= 1e6 else "Mbps" if peak >= 1e3 else "kbps"
    expect(frame.locator(".bills thead th", has_text="Peak").first.locator("small")).to_have_text(unit)
    ((amount,),) = live.sql(
        f"select to_char(amount, 'FM999,990.00') from mart.billing_statement where month = '{month}-01'"
    )
    statement = frame.get_by_role("region", name="Statement").locator("tbody tr")
    expect(statement).to_contain_text("95th percentile")
    expect(statement).to_contain_text(f"EUR\xa0{amount}")
    with visitor.page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == f"agora_bill_{month}_customer-one.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["app"] * apps + ["subtotal"]
    assert {row["filter"] for row in rows} == {"billing_group = customer-one"}
    assert {row["billing_group"] for row in rows[:-1]} == {"customer-one"}
    assert rows[-1]["p95_kbps"] == p95


def test_a_text_filter_has_its_own_subtotal(live: LiveStack, visitor: Visitor, month: str) -> None:
    frame = visitor.go_to(f"bill?month={month}")
    frame.get_by_label("Search").fill("classroom-07")
    frame.get_by_label("Search").press("Enter")
    expect(frame.locator(".bills tr.total th")).to_have_text("Subtotal of 1 app")
    figures = frame.locator(".bills tr.total td.number > span, .bills tbody td.number > span")
    titles = figures.evaluate_all("spans => spans.map(span => span.title)")
    assert titles[: len(titles) // 2] == titles[len(titles) // 2 :]
    expect(frame.get_by_role("region", name="Statement")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("month=2026-13", "#month-error"),
        ("billing_group=nobody", "#bill-group-error"),
        ("search=nobody", "#bill-search-error"),
    ],
)
def test_an_invalid_choice_keeps_the_controls(
    live: LiveStack, visitor: Visitor, month: str, query: str, error: str
) -> None:
    frame = visitor.go_to(f"bill?{query}")
    expect(frame.locator(error)).to_be_visible()
    expect(frame.get_by_label("Search")).to_be_visible()
    frame.get_by_label("Month").select_option(month)
    frame.get_by_label("Billing group").select_option("")
    frame.get_by_label("Search").fill("")
    frame.get_by_label("Search").press("Enter")
    expect(frame.locator(".bills tr.total")).to_be_visible()
    visitor.ignore_status(422)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_pictures(live: LiveStack, chromium: Browser, month: str, theme: Theme, width: int) -> None:
    with Visitor.logged_in(live, chromium, theme=theme) as visitor:
        visitor.resize(width)
        frame = visitor.go_to(f"bill?month={month}&billing_group=customer-one")
        frame.get_by_role("region", name="Statement").wait_for()
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visitor.take_picture(f"analyst_{theme}_{width}")
