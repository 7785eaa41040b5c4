"""Capacity planning: the history of an app, a group and all apps, the growth, and exported files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.visitor import Theme, Visitor
from tests.stack.stack import LiveStack

LOOKS = [(theme, width) for theme in ("light", "dark") for width in (900, 1440)]
PNG = b"\x89PNG\r\n\x1a\n"
# The 250 days before the first collected day repeat collected days at lower rates.
HISTORY = """
with known as (select min(usage_date) as first_date from core.app_day)

insert into core.app_day (
    app_key, usage_date, conn_id, starts_at, state, points, kbps_float8, top_kbps, sum_kbps,
    attempts, http_status, collected_at, verified_at, body_sha256
)
select
    like_day.app_key, known.first_date - age.days, like_day.conn_id,
    (known.first_date - age.days)::timestamp at time zone 'UTC', 'collected', 288,
    earlier.kbps, (array_sort(earlier.kbps, true, false))[1:15], earlier.sum_kbps,
    1, 200, now(), now(), sha256('history')
from known
cross join generate_series(1, 250) as age (days)
inner join core.app_day as like_day on like_day.usage_date = known.first_date + 1 + age.days % 20
cross join lateral (
    select array_agg(point * 0.999 ^ age.days) as kbps, sum(point * 0.999 ^ age.days) as sum_kbps
    from (select coalesce(point, 0) as point from unnest(like_day.kbps) as point) as known
) as earlier
where like_day.kbps is not null
"""
FIRST_DATE = "(select min(usage_date) from core.app_day)"


@pytest.fixture(scope="module")
def history(live: LiveStack) -> Iterator[None]:
    """Add older months, a billing group and its contract."""
    live.sql(HISTORY)
    live.sql("update core.app set billing_group = 'customer-one' where name like 'classroom%'")
    live.sql(
        "update core.app set wanted = wanted + datemultirange(daterange((current_date - 150), current_date))"
    )
    live.sql(
        "insert into core.billing_contract (billing_group, method, commit_kbps, billing_day)"
        " values ('customer-one', 'p95_kbps', 50000, 1)"
    )
    live.sql("select core.refresh_aggregates(100000)")
    yield
    live.sql("delete from core.billing_contract")
    live.sql("delete from core.app_day where body_sha256 = sha256('history')")
    live.sql("update core.app set billing_group = null")
    live.sql(f"update core.app set wanted = wanted * datemultirange(daterange({FIRST_DATE}, null))")
    live.sql("select core.refresh_aggregates(100000)")


def traces(chart: Locator) -> dict[str, list[float | None]]:
    """Return the drawn values by the name of the trace."""
    chart.locator(".main-svg").first.wait_for()
    return dict(chart.evaluate("chart => chart.data.map(trace => [trace.name, trace.y])"))


@pytest.mark.usefixtures("history")
def test_from_all_apps_to_the_commit_of_a_customer(live: LiveStack, visitor: Visitor) -> None:
    frame = visitor.go_to_in_airflow("trend")
    months = live.sql(
        "select p95_kbps, status = 'final' and expected_days = calendar_days"
        " from mart.billing_monthly_total order by month"
    )
    drawn = traces(frame.locator(".chart"))
    assert [value is not None for value in drawn["95th percentile"]] == [whole for _, whole in months]
    assert len(drawn["95th percentile, incomplete"]) == sum(not whole for _, whole in months) > 0
    figures = frame.locator(".trend-rows tbody td:nth-child(3) span")
    titles = figures.evaluate_all("spans => spans.map(span => span.title)")
    assert [float(title.removesuffix(" kbps")) for title in titles] == [
        float(p95) for p95, _ in reversed(months)
    ]
    expect(frame.locator(".tiles")).to_contain_text("per month")
    frame.get_by_label("Show").select_option("group")
    frame.locator("#trend-group").select_option("customer-one")
    expect(frame.locator(".tiles")).to_contain_text("Commit")
    frame.locator(".chart .main-svg").first.wait_for()
    expect(frame.locator(".chart")).to_contain_text("Commit 50 Mbps")
    frame.get_by_label("Logarithmic axis").check()
    frame.wait_for_function("document.querySelector('.chart')._fullLayout.yaxis.type === 'log'")
    with visitor.page.expect_download() as picture:
        frame.get_by_role("button", name="Download PNG").click()
    assert picture.value.suggested_filename == "agora_trend_month_customer-one.png"
    assert Path(picture.value.path()).read_bytes().startswith(PNG)


@pytest.mark.usefixtures("history")
def test_days_of_an_app_as_a_file(live: LiveStack, visitor: Visitor) -> None:
    frame = visitor.go_to("trend?step=day")
    frame.get_by_label("Show").select_option("app")
    frame.locator("#traffic-app").fill("classroom-07")
    frame.get_by_role("option", name="classroom-07").click()
    expect(frame.locator("#trend-summary")).to_contain_text("classroom-07:")
    with visitor.page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "agora_trend_day_classroom-07.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        in_file = [(row["day"], row["p95_kbps"], row["status"] == "complete") for row in csv.DictReader(file)]
    in_sql = live.sql(
        "select usage_date::text, coalesce(p95_kbps::text, ''), points = 288 from mart.bandwidth_daily"
        " where app_name = 'classroom-07' order by usage_date"
    )
    assert in_file == in_sql


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("app_id=nobody", "#traffic-app-error"),
        ("billing_group=nobody", "#trend-group-error"),
        ("step=week", "#trend-step-error"),
    ],
)
def test_an_invalid_choice_keeps_the_controls(visitor: Visitor, query: str, error: str) -> None:
    frame = visitor.go_to(f"trend?{query}")
    expect(frame.locator(error)).to_be_visible()
    frame.get_by_label("Interval").select_option("day")
    frame.get_by_label("Show").select_option("all")
    expect(frame.locator(".chart")).to_be_visible()
    visitor.ignore_status(422)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_pictures(live: LiveStack, chromium: Browser, theme: Theme, width: int) -> None:
    with Visitor.logged_in(live, chromium, theme=theme) as visitor:
        visitor.resize(width)
        frame = visitor.go_to("trend?billing_group=customer-one")
        frame.locator(".chart .main-svg").first.wait_for()
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visitor.take_picture(f"planner_{theme}_{width}")
