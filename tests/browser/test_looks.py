"""Every view in Airflow's light and dark theme, in narrow and wide windows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import BESIDE_PAGE, WIDE, Theme, Visitor
from tests.stack.stack import LiveStack

VIEWS = ("coverage", "traffic", "bill", "trend", "health")
WIDTHS = (900, WIDE, 2500)
# Texts whose contrast with their background is below 4.5, the AA level of WCAG 2.
CONTRAST = """
() => {
  const unit = (colour) => colour.startsWith("color(") ? 255 : 1;
  const channels = (colour) => colour.match(/[\\d.]+/g).map((part) => part * unit(colour));
  const isOpaque = (colour) => channels(colour).length === 3;
  const linear = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  // A gradient has several colours and may be transparent.
  const behind = (element) => {
    if (!element) return ["rgb(255, 255, 255)"];
    const { backgroundImage, backgroundColor } = getComputedStyle(element);
    if (isOpaque(backgroundColor)) return [backgroundColor];
    const shades = backgroundImage.match(/(rgba?|color)\\([^)]*\\)/g) ?? [];
    return [...shades.filter(isOpaque), ...behind(element.parentElement)];
  };
  const contrast = (one, other) => {
    const [dark, bright] = [one, other].map((colour) => light(channels(colour))).sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const texts = document.evaluate("//body//text()[normalize-space()]", document, null, 7);
  const poor = [];
  for (let i = 0; i < texts.snapshotLength; i++) {
    const element = texts.snapshotItem(i).parentElement;
    const isElsewhere = element.closest("svg, script, :disabled, [aria-hidden=true]");
    if (isElsewhere || !element.checkVisibility()) continue;
    const { color } = getComputedStyle(element);
    const least = Math.min(...behind(element).map((shade) => contrast(shade, color)));
    if (least < 4.5) poor.push(`${least.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_the_window_with_enough_contrast(
    live: LiveStack, chromium: Browser, view: str, theme: Theme
) -> None:
    with Visitor.logged_in(live, chromium, theme=theme) as visitor:
        for width in WIDTHS:
            visitor.resize(width)
            frame = visitor.go_to(view)
            assert frame.evaluate("document.documentElement.dataset.theme") == theme
            assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{view} overflows at {width}"
            )
            assert frame.evaluate(CONTRAST) == []
            if width == WIDE and theme == "light" and view != "coverage":
                visitor.take_picture(view)


@pytest.mark.parametrize(("theme", "other"), [("light", "dark"), ("dark", "light")])
def test_the_page_follows_airflows_theme(
    live: LiveStack, chromium: Browser, theme: Theme, other: Theme
) -> None:
    with Visitor.logged_in(live, chromium, theme=theme) as visitor:
        visitor.page.emulate_media(color_scheme=other)  # Airflow's theme takes precedence over the system's.
        frame = visitor.go_to_in_airflow("bill")
        assert frame.evaluate("document.documentElement.dataset.theme") == theme
        assert frame.evaluate("innerWidth") == WIDE - BESIDE_PAGE
        visitor.page.evaluate(f"document.documentElement.classList.replace('{theme}', '{other}')")
        frame.wait_for_function(f"document.documentElement.dataset.theme === '{other}'")


def test_views_can_be_reached_by_keyboard(visitor: Visitor) -> None:
    frame = visitor.go_to("coverage")
    frame.get_by_role("tab", name="Coverage").focus()
    for view in (*VIEWS[1:], VIEWS[0]):
        visitor.page.keyboard.press("ArrowRight")
        frame.locator(f"#view:not([aria-busy]) .panel.{view}").wait_for()
        assert frame.get_by_role("tab", selected=True).inner_text().lower() == view
