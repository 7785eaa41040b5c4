"""With an invalid choice in the address, a view keeps its controls and shows the error beside the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

TODAY = datetime.now(UTC).date()
EARLY, LATE, YESTERDAY = (f"{TODAY - timedelta(days=days)}" for days in (25, 10, 1))


@pytest.mark.parametrize(
    ("view", "field", "phrase", "kept"),
    [
        (
            f"coverage?from_date={LATE}&to_date={EARLY}&search=class",
            "coverage-to_date",
            f"is before {LATE}",
            ("coverage-from_date", LATE),
        ),
        (
            f"coverage?from_date=2026-13-01&to_date={LATE}",
            "coverage-from_date",
            "2026-13-01 is not a date",
            ("coverage-to_date", LATE),
        ),
        (
            f"coverage?from_date=2024-01-01&to_date={LATE}",
            "coverage-to_date",
            "longer than 400 days",
            ("coverage-to_date", LATE),
        ),
        (
            f"traffic?from_date={LATE}&to_date={EARLY}",
            "traffic-to",
            f"is before {LATE}",
            ("traffic-from", LATE),
        ),
        (
            f"traffic?from_date=2026-01-01&to_date={LATE}",
            "traffic-to",
            "longer than 62 days",
            ("traffic-from", "2026-01-01"),
        ),
        (
            f"traffic?from_date=yesterday&to_date={EARLY}",
            "traffic-from",
            "yesterday is not a date",
            ("traffic-to", EARLY),
        ),
        (
            f"traffic?app_ids=nobody&from_date={LATE}",
            "traffic-app",
            "Unknown App ID: nobody",
            ("traffic-from", LATE),
        ),
        (
            "traffic?app_ids=1,2,3,4,5,6,7",
            "traffic-app",
            "at most 6 apps",
            ("traffic-show", "each"),
        ),
    ],
)
def test_controls_stay_with_the_given_values(
    visitor: Visitor, view: str, field: str, phrase: str, kept: tuple[str, str]
) -> None:
    frame = visitor.go_to(view)
    invalid = frame.locator(f"#{field}")
    expect(invalid).to_have_attribute("aria-invalid", "true")
    description = invalid.get_attribute("aria-describedby") or ""
    expect(frame.locator(f"#{description}")).to_contain_text(phrase)
    expect(frame.locator(f"#{kept[0]}")).to_have_value(kept[1])
    expect(frame.get_by_role("button", name="Try again")).to_have_count(0)
    expect(frame.locator(".panel .empty")).to_contain_text("Correct the marked field")
    frame.locator(".panel .empty a").click()
    frame.locator(".panel .grid, .panel .chart.js-plotly-plot").wait_for()
    visitor.ignore_status(422)


def test_a_corrected_date_shows_the_view_again(visitor: Visitor) -> None:
    frame = visitor.go_to(f"coverage?from_date={LATE}&to_date={EARLY}")
    frame.locator("#coverage-to_date").fill(YESTERDAY)
    frame.locator("#coverage-to_date").press("Enter")
    frame.locator(".grid").wait_for()
    expect(frame.locator("#coverage-from_date")).to_have_value(LATE)
    visitor.ignore_status(422)
