"""The Traffic view shows the same figures as SQL, shows gaps as gaps, and zooms from a month to an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Locator, expect

from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack


@pytest.fixture(scope="module")
def partial(live: LiveStack) -> tuple[str, str]:
    """Return the App ID and the usage date of the partial day."""
    ((app_id, usage_date),) = live.sql(
        "select app_id, usage_date::text from mart.coverage where state = 'partial'"
    )
    return app_id, usage_date


def chart(frame: Frame) -> Locator:
    drawn = frame.locator(".chart.js-plotly-plot")
    drawn.wait_for()
    return drawn


def shown_range(frame: Frame) -> list[datetime]:
    """Return the first and the last time on the chart's axis."""
    ends: list[str] = chart(frame).evaluate("chart => chart._fullLayout.xaxis.range")
    return [datetime.fromisoformat(end) for end in ends]


def tile(frame: Frame, label: str) -> str:
    tiles = frame.locator(".tile").filter(has=frame.get_by_text(label, exact=True))
    figure: str = tiles.locator("b").inner_text()
    return figure


def test_points_and_figures_equal_sql(live: LiveStack, visitor: Visitor, partial: tuple[str, str]) -> None:
    app_id, usage_date = partial
    frame = visitor.go_to(f"traffic?app_ids={app_id}&from_date={usage_date}&to_date={usage_date}")
    line: dict[str, Any] = chart(frame).evaluate(
        "chart => ({ y: [...chart.data[0].y], connectgaps: chart._fullData[0].connectgaps })"
    )
    points = live.sql(
        "select kbps from mart.bandwidth_5min"
        f" where app_id = '{app_id}' and usage_date = '{usage_date}' order by interval_start"
    )
    unit = max(kbps for (kbps,) in points) / max(kbps for kbps in line["y"] if kbps is not None)
    assert [kbps * unit for kbps in line["y"] if kbps is not None] == pytest.approx(
        [kbps for (kbps,) in points]
    )
    assert len(points) == 282
    assert line["y"].count(None) >= 6, "absent points are gaps"
    assert not line["connectgaps"]
    expect(frame.locator(".panel .error")).to_contain_text("6 of 288 points are missing")
    assert tile(frame, "Points") == "▲ 282"


def test_the_95th_percentile_of_a_month_matches_the_bill(live: LiveStack, visitor: Visitor) -> None:
    first = (live.today - timedelta(days=1)).replace(day=1)
    ((app_id, name, kbps),) = live.sql(
        "select app_id, name, p95_kbps from mart.billing_monthly join core.app using (app_id)"
        f" where month = '{first}' order by p95_kbps desc limit 1"
    )
    route = f"/agora/bandwidth/api/traffic?app_ids={app_id}&from_date={first}"
    response = visitor.page.request.get(visitor.ui_url + route).json()
    assert response["series"][0]["app_name"] == name
    assert response["series"][0]["figures"]["p95_kbps"] == float(kbps)
    frame = visitor.go_to(f"traffic?app_ids={app_id}&from_date={first}")
    assert float(tile(frame, "95th percentile").split()[0]) == pytest.approx(float(kbps) / 1000, rel=1e-3)


def test_zoom_from_a_month_to_an_hour_by_keyboard(visitor: Visitor, partial: tuple[str, str]) -> None:
    frame = visitor.go_to(f"traffic?app_ids={partial[0]}")
    chart(frame)
    for part, minutes in (("Week", 7 * 1440), ("Day", 1440), ("Hour", 60)):
        frame.get_by_role("button", name=part, exact=True).press("Enter")
        expect(frame.get_by_role("button", name=part, exact=True)).to_have_attribute("aria-pressed", "true")
        from_time, to_time = shown_range(frame)
        assert (to_time - from_time).total_seconds() == 60 * minutes
    before = frame.locator("#traffic-summary li").first.inner_text()
    frame.get_by_role("button", name="Earlier").press("Enter")
    expect(frame.locator("#traffic-summary li").first).not_to_have_text(before)


def test_several_apps_and_their_sum(live: LiveStack, visitor: Visitor) -> None:
    apps = live.sql("select app_id, name from core.app order by name limit 3")
    ids = ",".join(app_id for app_id, _ in apps)
    frame = visitor.go_to(f"traffic?app_ids={ids}")
    for _, name in apps:
        expect(frame.locator("table.figures")).to_contain_text(name)
    visitor.switch_to(f"traffic?app_ids={ids}&show=sum")
    quoted = ", ".join(f"'{app_id}'" for app_id, _ in apps)
    ((peak,),) = live.sql(
        "select max(kbps) from (select sum(kbps) as kbps from mart.bandwidth_5min"
        f" where app_id in ({quoted}) and usage_date < current_date group by interval_start) as summed"
    )
    assert float(tile(frame, "Peak").split()[0]) == pytest.approx(peak / 1000, rel=1e-3)


def test_the_default_app_stays_selected(visitor: Visitor) -> None:
    """By default, the view shows the largest app of the dates. The sum then also covers only this app."""
    frame = visitor.go_to("traffic")
    peak = tile(frame, "Peak")
    name = frame.locator(".chip").inner_text()
    frame.locator("#traffic-show").select_option("sum")
    expect(frame.locator("#traffic-summary")).to_contain_text("Sum of 1 app:")
    assert tile(frame, "Peak") == peak
    assert frame.locator(".chip").all_inner_texts() == [name]
    visitor.switch_to("traffic?show=sum")
    expect(frame.locator("#traffic-show")).to_have_value("each")
    assert tile(frame, "Peak") == peak


def test_zone_and_peaks_survive_another_choice(visitor: Visitor, partial: tuple[str, str]) -> None:
    frame = visitor.go_to(f"traffic?app_ids={partial[0]}")
    frame.locator("#traffic-zone").select_option("mine")
    frame.locator("#traffic-peaks").uncheck()
    from_date = frame.locator("#traffic-from").input_value()
    frame.locator("#traffic-range").focus()
    frame.locator("#traffic-range").select_option("most")
    expect(frame.locator("#traffic-from")).not_to_have_value(from_date)
    expect(frame.locator("#traffic-zone")).to_have_value("mine")
    expect(frame.locator("#traffic-peaks")).not_to_be_checked()
    expect(frame.locator("#traffic-range")).to_be_focused()


def test_an_app_name_is_not_mistaken_for_a_colour(visitor: Visitor) -> None:
    frame = visitor.go_to("health")
    drawn = frame.evaluate("""async () => {
      const { drawChart } = await import("/agora/bandwidth/assets/frame/plotly.js");
      const element = document.body.appendChild(document.createElement("div"));
      const name = "--line-1";
      await drawChart(element, [{ y: [1], name, text: [name], line: { color: name } }], {});
      const [drawn] = element.data;
      return { name: drawn.name, text: drawn.text, colour: drawn.line.color };
    }""")
    assert (drawn["name"], drawn["text"]) == ("--line-1", ["--line-1"])
    assert drawn["colour"].startswith("#")


@pytest.mark.parametrize(("zone", "offset"), [("America/New_York", 5), ("Asia/Shanghai", -8)])
def test_times_are_in_the_vendors_or_the_viewers_zone(
    live: LiveStack, chromium: Browser, partial: tuple[str, str], zone: str, offset: int
) -> None:
    with Visitor.logged_in(live, chromium, zone=zone) as visitor:
        frame = visitor.go_to(f"traffic?app_ids={partial[0]}")
        vendor_start = shown_range(frame)[0]
        frame.locator("#traffic-zone").select_option("mine")
        expect(frame.locator(".chart .xtitle")).to_contain_text(zone)
        viewer_start = shown_range(frame)[0]
    difference = vendor_start - viewer_start
    assert abs(difference.total_seconds() / 3600 - offset) <= 1, "daylight saving time may differ by an hour"


def test_app_ids_are_case_insensitive(visitor: Visitor, partial: tuple[str, str]) -> None:
    app_id, usage_date = partial
    assert app_id.upper() != app_id
    dates = f"from_date={usage_date}&to_date={usage_date}"
    frame = visitor.go_to(f"traffic?app_ids={app_id.upper()},{app_id}&{dates}")
    expect(frame.locator(".chip")).to_have_count(1)
    expect(frame.locator(f"#chip-{app_id}")).to_be_visible()
    expect(frame.locator(".panel .error")).not_to_contain_text("Unknown App ID")


@pytest.mark.parametrize(
    ("number", "text"),
    [("9.991e17", "999.1 PB"), ("1e18", "1 EB"), ("6.701e20", "670.1 EB"), ("2.5e21", "2.500 ZB")],
)
def test_the_largest_volumes_have_units(visitor: Visitor, number: str, text: str) -> None:
    frame = visitor.go_to("bill")
    script = (
        f"import(new URL('assets/frame/format.js', document.baseURI)).then(own => own.formatBytes({number}))"
    )
    assert frame.evaluate(script) == text
